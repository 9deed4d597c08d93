"""Git over a real HTTP server that asks for a password; mirrors, locks and folders."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest

from nexus_plugin_agents.git import Git, GitFailed
from nexus_plugin_agents.locks import locked
from nexus_plugin_agents.sansio import Remote
from nexus_plugin_agents.workplace import Mirror, folder_name, remove

SECRET = "ghs_canary-123456"


@attrs.define
class Host:
    """A Git host on loopback: `git http-backend` behind Basic authentication."""

    url: str
    asked: list[str] = attrs.field(factory=list)  #: the Authorization header of each request


@pytest.fixture
def host(remote) -> Iterator[Host]:
    """Serves the bare repository to those who know the password, for reading and for writing."""
    found = Host(url="")
    expected = "Basic " + base64.b64encode(f"x-access-token:{SECRET}".encode()).decode()
    backend = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / "git-http-backend"
    subprocess.run(["git", "-C", str(remote), "config", "http.receivepack", "true"], check=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found.asked.append(self.headers.get("Authorization", ""))
            if found.asked[-1] != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            env = {
                "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(remote.parent), "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_USER": "x",
            }  # fmt: skip
            head, _, rest = subprocess.run([backend], env=env, input=body, capture_output=True).stdout.partition(
                b"\r\n\r\n"
            )
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(rest)

        do_POST = do_GET

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/{remote.name}"
    yield found
    server.shutdown()
    server.server_close()


def _git(host, secret=SECRET, **values):
    remote = Remote(url=host.url, protocol="http", host="127.0.0.1")
    return Git(remote=remote, environ=dict(os.environ), credentials=("x-access-token", secret), **values)


def test_credentials_are_used_for_fetching_and_pushing(host, remote, tmp_path, support):
    """A repository that asks for a password is mirrored and pushed to."""
    mirror = Mirror(path=tmp_path / "mirror.git", git=_git(host))
    mirror.update()
    head = mirror.tip("main")
    mirror.push(head, "nexus/nx-1-x", base=head, source=mirror.path)

    assert head == support.git("rev-parse", "nexus/nx-1-x", cwd=remote)


def test_credentials_stand_in_no_file_and_no_argument(host, tmp_path):
    """After a fetch nothing of them is on the disk; while it runs no command line shows them."""
    seen = []

    def look():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes())
            except OSError:
                continue

    Mirror(path=tmp_path / "mirror.git", git=_git(host, beat=look)).update()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    encoded = base64.b64encode(f"x-access-token:{SECRET}".encode())

    assert any(b"fetch" in line for line in seen)
    assert not [text for text in (*files, *seen) if SECRET.encode() in text or encoded in text]


def test_a_wrong_password_is_told_and_not_asked_for(host, tmp_path):
    """Git does not wait for somebody to type; the message carries no secret."""
    with pytest.raises(GitFailed, match=r"^git fetch: fatal: .*") as failure:
        Mirror(path=tmp_path / "mirror.git", git=_git(host, secret="wrong-password-1")).update()

    assert "wrong-password-1" not in str(failure.value)


def test_no_configuration_of_the_user_has_a_say(host, tmp_path):
    """A rewritten address in the user's own configuration is not followed."""
    (tmp_path / ".gitconfig").write_text('[url "ext::sh -c touch% /tmp/x "]\n\tinsteadOf = http://\n')
    git = attrs.evolve(_git(host), environ={**os.environ, "HOME": str(tmp_path)})
    mirror = Mirror(path=tmp_path / "mirror.git", git=git)
    mirror.update()

    assert mirror.tip("main")


def test_what_came_into_the_mirrors_configuration_is_removed(host, tmp_path):
    """A mirror that was tampered with does not send the credentials elsewhere."""
    mirror = Mirror(path=tmp_path / "mirror.git", git=_git(host))
    mirror.update()
    with (mirror.path / "config").open("a") as file:
        file.write('[url "http://127.0.0.1:9/"]\n\tinsteadOf = http://127.0.0.1\n')
    mirror.update()

    assert "insteadOf" not in (mirror.path / "config").read_text()


def test_other_protocols_are_refused_by_git_too(remote, tmp_path):
    """Even an address that came past the check is not followed: git may use one protocol."""
    git = Git(remote=Remote(url="ext::sh -c id", protocol="https"), environ=dict(os.environ))

    with pytest.raises(GitFailed, match="not allowed"):
        Mirror(path=tmp_path / "mirror.git", git=git).update()


def test_a_fetch_that_hangs_is_ended(tmp_path, support):
    """A command that uses the network has a time-out, and its whole process tree ends with it."""
    (tmp_path / "ssh").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 300\n")
    (tmp_path / "ssh").chmod(0o755)
    environ = {**os.environ, "GIT_SSH_COMMAND": str(tmp_path / "ssh")}
    git = Git(remote=Remote(url="git@host:a/b", protocol="ssh"), environ=environ, timeout=1)
    with pytest.raises(GitFailed, match="longer than 1 s"):
        Mirror(path=tmp_path / "mirror.git", git=git).update()

    assert not support.is_alive(int((tmp_path / "pid").read_text()))


def test_a_mirror_outlives_the_locks_of_a_killed_git(host, tmp_path):
    """What a killed git left locked is cleared under our own lock."""
    mirror = Mirror(path=tmp_path / "mirror.git", git=_git(host))
    mirror.update()
    (mirror.path / "packed-refs.lock").touch()
    (mirror.path / "refs" / "heads" / "main.lock").touch()
    mirror.update()

    assert not list(mirror.path.rglob("*.lock"))


def test_a_lock_is_held_by_one(tmp_path):
    """A second holder waits in vain, and gets it when the first is done."""
    path = tmp_path / "lock"
    with locked(path, wait=0) as first, locked(path, wait=0.3) as second:
        assert (True, False) == (first, second)

    with locked(path, wait=0) as third:
        assert third


def test_folders_of_different_names_differ():
    """Names that look alike in a file system are kept apart."""
    names = {folder_name(name, "url") for name in ("acme/api", "acme-api", "ACME/API", "../../etc")}

    assert 4 == len(names)
    assert not [name for name in names if "/" in name or ".." in name]


def test_read_only_folders_are_removed(tmp_path):
    """What a tool made read-only goes as well; what a link points to stays."""
    keep = tmp_path / "keep"
    keep.mkdir()
    deep = tmp_path / "gone" / "deep"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    (deep / "link").symlink_to(keep)
    deep.chmod(0o500)
    remove(tmp_path / "gone")

    assert [keep] == list(tmp_path.iterdir())
