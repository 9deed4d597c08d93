"""The settings, and what they refuse."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nexus_core.errors import ConfigurationError
from nexus_plugin_github.settings import DECLARED, Settings


@pytest.mark.parametrize("secret", ["", "   ", "short", "changeme", "long enough to be one,,", "x" * 15])
def test_secrets_that_protect_nothing_are_refused(secret: str) -> None:
    """The start fails and names the variable, rather than leaving the door ajar."""
    with pytest.raises(ConfigurationError, match="NEXUS_GITHUB_WEBHOOK_SECRET"):
        Settings(webhook_secret=secret)


def test_secrets_are_split_at_commas() -> None:
    """While a secret is rotated there are two."""
    settings = Settings(webhook_secret="a" * 16 + " , " + "b" * 16)

    assert settings.webhook_secrets == (b"a" * 16, b"b" * 16)


def test_no_secret_is_shown() -> None:
    """Printing the settings, as an error report may, gives nothing away."""
    shown = repr(Settings(webhook_secret="s" * 20, token="tttt", app_private_key="kkkk", client_secret="cccc"))

    assert [secret for secret in ("ssss", "tttt", "kkkk", "cccc") if secret in shown] == []


@pytest.mark.parametrize("url", ["", "api.github.com", "ftp://x", "https://user:pw@api.github.com", "https://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Every call goes below it, so it must be one."""
    with pytest.raises(ConfigurationError, match="api_url"):
        Settings(api_url=url)


def test_half_an_app_says_what_is_missing() -> None:
    """An App is its id and its private key; with a token beside it, half an App is no fault."""
    assert Settings(app_id="1", app_private_key="k").missing_access is None
    assert "NEXUS_GITHUB_APP_PRIVATE_KEY" in (Settings(app_id="1").missing_access or "")
    assert "NEXUS_GITHUB_APP_ID" in (Settings(app_private_key="k").missing_access or "")
    assert Settings(app_id="1", token="t").missing_access is None


def test_every_setting_is_declared() -> None:
    """`nexus config` shows what the class holds, with the same defaults, and hides what is secret."""
    import attrs

    fields = {field.name: field.default for field in attrs.fields(Settings)}

    assert fields == {setting.key: setting.default for setting in DECLARED.settings}
    assert {setting.key for setting in DECLARED.settings if setting.secret} == {
        field.name for field in attrs.fields(Settings) if field.repr is False
    }


def test_the_hooks_load_no_http_client() -> None:
    """The CLI imports hooks at each start; the HTTP client waits until it is needed."""
    code = "import sys, nexus_plugin_github.hooks; sys.exit('httpx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
