"""GitHub called as an App: signed by openssl's own judgement, with tokens that are cached, renewed and kept apart."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest

from nexus_core.errors import ConfigurationError, Forbidden, NotFound, Unauthenticated
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github.client import GitHubClient
from nexus_plugin_github.credentials import AppKey
from nexus_plugin_github.settings import Settings

APP = 4711


def _openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A private key as GitHub gives it (PKCS#1 or #8, PEM), and the file of its public key."""
    folder = tmp_path_factory.mktemp("key")
    _openssl("genrsa", "-out", str(folder / "private.pem"), "2048")
    _openssl("rsa", "-in", str(folder / "private.pem"), "-pubout", "-out", str(folder / "public.pem"))
    return (folder / "private.pem").read_text(), folder / "public.pem"


@pytest.fixture
def check(key: tuple[str, Path], tmp_path: Path) -> Callable[[bytes, bytes], bool]:
    """Whether openssl takes a signature for the key's own."""

    def judge(signed: bytes, signature: bytes) -> bool:
        file = tmp_path / uuid.uuid4().hex  # many threads may ask
        file.write_bytes(signature)
        command = ["openssl", "dgst", "-sha256", "-verify", str(key[1]), "-signature", str(file)]
        return subprocess.run(command, input=signed, capture_output=True, check=False).returncode == 0

    return judge


@pytest.fixture
def app(github: GitHubStandIn, key: tuple[str, Path], check: Callable[[bytes, bytes], bool]) -> Iterator[Settings]:
    """The settings of an App that is installed on `acme`, the hundred-and-first of its installations."""
    github.apps.register(APP, check, *(f"other-{number}" for number in range(100)), "Acme")
    yield Settings(api_url=github.url, app_id=str(APP), app_private_key=key[0], token="unused", write_pause=0)


def _called(github: GitHubStandIn, part: str) -> int:
    return sum(part in seen.path for seen in github.requests)


def test_an_installation_is_found_and_called_as(app: Settings, github: GitHubStandIn) -> None:
    """By the owner, on whichever page it stands and however it is spelt; its token is asked for once."""
    for _ in range(3):
        with GitHubClient.open(app, "acme/api") as client:
            client.repository("acme/api")

    assert (github.apps.issued, _called(github, "app/installations?")) == (1, 2)


def test_many_threads_ask_for_one_token(app: Settings, github: GitHubStandIn) -> None:
    """The others wait for it."""

    def read(_: int) -> str:
        with GitHubClient.open(app, "acme/api") as client:
            return client.repository("acme/api").name

    with ThreadPoolExecutor(8) as pool:
        assert {"acme/api"} == set(pool.map(read, range(16)))
    assert 1 == github.apps.issued


def test_a_token_is_renewed_before_its_end(app: Settings, github: GitHubStandIn) -> None:
    """By GitHub's clock: one that has five minutes left is not used any more."""
    github.apps.life = 290
    for _ in range(2):
        with GitHubClient.open(app, "acme/api") as client:
            client.repository("acme/api")

    assert 2 == github.apps.issued


def test_a_revoked_token_is_replaced(app: Settings, github: GitHubStandIn) -> None:
    """A call that was refused for its token had no effect, and is made once more with another one."""
    with GitHubClient.open(app, "acme/api") as client:
        client.repository("acme/api")
        github.apps.revoke()
        client.create_ref("acme/api", "nexus/new", client.head_of("acme/api", "main") or "")

    assert 2 == github.apps.issued


def test_a_wrong_clock_of_ours_is_no_matter(app: Settings, github: GitHubStandIn, key: tuple[str, Path]) -> None:
    """GitHub refuses a token from the future, and says what time it is."""
    signer = AppKey(str(APP), key[0])
    early = github.apps.now() - 3600
    assert signer.refused({"date": formatdate(early, usegmt=True)})
    assert not signer.refused({"date": formatdate(early, usegmt=True)})
    github.apps.ahead = -3600

    assert github.apps.answer("GET", "app", {}, signer.token()) is not None


def test_an_app_that_is_not_installed_says_where_to(app: Settings, github: GitHubStandIn) -> None:
    """Neither is it where it is not, nor does its token reach another account."""
    with pytest.raises(NotFound, match="not installed on elsewhere"):
        GitHubClient.open(app, "elsewhere/x")
    with GitHubClient.open(app, "acme/api") as client, pytest.raises(NotFound):
        client.repository("other-1/x")
    github.apps.app.installations[0].suspended = True  # type: ignore[union-attr]
    with pytest.raises(Forbidden, match="suspended"):
        GitHubClient.open(app, "other-0/x")


def test_the_app_itself_looks_at_itself(app: Settings) -> None:
    """That is how the doctor tries it."""
    with GitHubClient.open(app) as client:
        client.check()


@pytest.mark.parametrize("text", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none_is_named(app: Settings, text: str) -> None:
    """The message says which setting, and shows nothing of it."""
    with (
        GitHubClient.open(Settings(api_url=app.api_url, app_id="1", app_private_key=text)) as client,
        pytest.raises(ConfigurationError, match="NEXUS_GITHUB_APP_PRIVATE_KEY") as raised,
    ):
        client.check()

    assert "AAAA" not in raised.value.message


def test_a_key_on_one_line_is_read(app: Settings, key: tuple[str, Path]) -> None:
    r"""Environments often hold it with `\n` for its line breaks."""
    one_line = key[0].replace("\n", "\\n")
    settings = Settings(api_url=app.api_url, app_id=str(APP), app_private_key=one_line)
    with GitHubClient.open(settings, "acme/api") as client:
        assert "acme/api" == client.repository("acme/api").name


def test_another_key_is_refused(app: Settings, tmp_path: Path) -> None:
    """The stand-in asks openssl: what another key signed is no token."""
    _openssl("genrsa", "-out", str(tmp_path / "other.pem"), "2048")
    other = Settings(api_url=app.api_url, app_id=str(APP), app_private_key=(tmp_path / "other.pem").read_text())
    with GitHubClient.open(other) as client, pytest.raises(Unauthenticated):
        client.check()


def test_a_new_branch_through_git(app: Settings, bare: BareRepository) -> None:
    """What is done as an installation is really done."""
    with GitHubClient.open(app, "acme/api") as client:
        client.create_ref("acme/api", "nexus/as-app", bare.branch("main") or "")

    assert bare.branch("main") == bare.branch("nexus/as-app")
