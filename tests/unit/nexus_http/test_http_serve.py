"""The server as a process: gunicorn on a real port."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nexus_core.errors import Busy, ConfigurationError, Unavailable
from nexus_core.location import read_hub
from nexus_http.hub import HubLock, bind, split_address, urls
from nexus_http.worker import HEAD_BYTES

SERVE = "import sys; from nexus_http.serve import serve; serve(sys.argv[1:])"


class Server:
    """A running server, asked over HTTP."""

    def __init__(self, process: subprocess.Popen[str], first_key: str, log: Path, data_dir: Path) -> None:
        self.process = process
        self.first_key = first_key
        self.log = log
        self.data_dir = data_dir
        self.hub = read_hub(data_dir)
        self.port = int(self.hub.url.rpartition(":")[2])

    def get(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def raw(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def _environ(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "XDG_"))}
    return kept | {"HOME": str(home), "NEXUS_DATA_DIR": str(home / "data"), "NEXUS_BIND": "127.0.0.1:0"} | more


def _spawn(home: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    home.mkdir(exist_ok=True)
    with (home / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments], cwd=home, env=_environ(home, **environ), text=True, stderr=log,
            stdout=(home / "out").open("w"),
        )  # fmt: skip


def _start(home: Path, *arguments: str, **environ: str) -> Server:
    process = _spawn(home, *arguments, **environ)
    end = time.monotonic() + 40
    while "Nexus listens at" not in (home / "log").read_text():
        assert process.poll() is None and time.monotonic() < end, (home / "log").read_text()
        time.sleep(0.05)
    return Server(process, (home / "out").read_text().strip(), home / "log", home / "data")


def _stop(process: subprocess.Popen[str]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests that only ask."""
    running = _start(tmp_path_factory.mktemp("serve"))
    yield running
    _stop(running.process)


def test_it_answers_with_the_key_that_it_printed(server):
    """The first admin key, alone on standard output; the hub's own key works too."""
    assert 200 == server.get("/api/v1/me", server.first_key)[0]
    assert b"local hub" in server.get("/api/v1/me", server.hub.key)[1]


def test_it_tells_its_port_and_writes_nothing_into_the_home_folder(server):
    """Port 0 became a real one; gunicorn's control socket is off."""
    home = server.data_dir.parent

    assert f"Nexus listens at http://127.0.0.1:{server.port}" in server.log.read_text()
    assert {"data", "log", "out"} == {path.name for path in home.iterdir()}
    assert 0o600 == (server.data_dir / "hub.json").stat().st_mode & 0o777


def test_a_second_hub_on_the_folder_is_refused_with_the_address(server):
    """Busy, naming the first."""
    with pytest.raises(Busy, match=f"127.0.0.1:{server.port}"), HubLock(server.data_dir):
        pass


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 17000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", 400), (b"\x16\x03\x01\x02\r\n\r\n", 400),
        (b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_gunicorn_refuses_is_a_problem_too(server, request_line, status):
    """As JSON, with our code, and without a word of the machinery."""
    head, _, body = server.raw(request_line).partition(b"\r\n\r\n")

    assert (status, b"application/problem+json" in head) == (json.loads(body)["status"], True)
    assert b"gunicorn" not in body


def test_a_body_in_chunks_is_refused(server):
    """411, over a real connection."""
    chunked = b"Host: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n"
    head = b"POST /api/v1/tasks HTTP/1.1\r\nAuthorization: Bearer " + server.first_key.encode() + b"\r\n" + chunked
    answer = server.raw(head + b"\r\n2\r\n{}\r\n0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 411 ")


def test_a_huge_body_is_refused_by_its_length(server):
    """413 although nothing of it was sent."""
    head = b"POST /api/v1/webhooks/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

    assert server.raw(head + b"Content-Length: 26214401\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_slow_clients_keep_nobody_out(server):
    """200 of them, silent or half-way through their head, on new and on kept connections; health answers at once."""
    kept = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for number in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall((b"", b"GET /healthz HTTP/1.1\r\nX: ", kept)[number % 3])
            if number % 3 == 2:
                slow.recv(100)
                slow.sendall(b"GET /heal")
        began = time.monotonic()
        answers = [server.get("/healthz")[0] for _ in range(20)]

        assert ([200] * 20, True) == (answers, time.monotonic() - began < 3)
        slow.sendall(b"thz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in b"".join(iter(lambda: slow.recv(65536), b""))


def test_a_head_that_never_ends_is_refused(server):
    """431 before a thread is spent on it."""
    endless = b"GET / HTTP/1.1\r\nX: ".ljust(HEAD_BYTES, b"x")

    assert server.raw(endless).startswith(b"HTTP/1.1 431 ")


def test_requests_of_all_workers_are_counted(server):
    """Whichever worker is asked."""
    for _ in range(20):
        server.get("/healthz")
    line = next(line for line in server.get("/metrics")[1].decode().splitlines() if 'method="GET",status="2xx"' in line)

    assert int(line.rpartition(" ")[2]) >= 20


@pytest.mark.parametrize("path", ["/api/v1/events/stream", "/api/v1/events?after=999999&wait=25"])
def test_who_goes_away_while_waiting_leaves_its_place(tmp_path, path):
    """A client that is cut off and comes again, many times, finds a place each time, and so do others."""
    server = _start(tmp_path / "home", "--workers", "1", "--threads", "2")
    headers = {"Authorization": f"Bearer {server.first_key}"}
    try:
        for _ in range(6):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            connection.request("GET", path, headers=headers)
            time.sleep(0.1)
            connection.close()
            time.sleep(0.6)
        connection.request("GET", "/api/v1/events/stream", headers=headers)
        status = connection.getresponse().status
        connection.close()
    finally:
        _stop(server.process)

    assert 200 == status


def test_it_stops_gracefully_while_somebody_follows(tmp_path):
    """SIGTERM ends streams; hub.json goes, the hub's key is revoked, the code is 0; the first key is printed once."""
    server = _start(tmp_path / "home")
    chunks: list[bytes] = []

    def follow() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/api/v1/events/stream", headers={"Authorization": f"Bearer {server.first_key}"})
        chunks.append(connection.getresponse().read())

    follower = threading.Thread(target=follow)
    follower.start()
    time.sleep(1)
    began = time.monotonic()
    code = _stop(server.process)
    follower.join(10)

    assert (0, True, True) == (code, time.monotonic() - began < 15, chunks[0].startswith(b"retry:"))
    assert read_hub(server.data_dir) is None
    again = _start(tmp_path / "home")
    try:
        keys = json.loads(again.get("/api/v1/keys?limit=200", server.first_key)[1])["items"]
        assert "" == again.first_key
        assert [True, False] == [key["revoked_at"] is not None for key in keys if key["name"].startswith("local hub")]
    finally:
        _stop(again.process)


def test_hangup_reads_the_configuration_anew(tmp_path):
    """Each process is replaced, without an answer lost; a fault in the file leaves all as it was."""
    file = tmp_path / "nexus.toml"
    file.write_text('key_prefix = "ABC"\n')
    server = _start(tmp_path, "--workers", "2", NEXUS_CONFIG=str(file))
    _, made = _created(server)

    def after(content, wanted):
        file.write_text(content)
        server.process.send_signal(signal.SIGHUP)
        end, found = time.monotonic() + 20, set()
        while found != {wanted} and time.monotonic() < end:
            time.sleep(0.5)
            answers = [server.get(f"/api/v1/tasks/{made['id']}", server.first_key) for _ in range(20)]
            assert {200} == {status for status, _ in answers}
            found = {json.loads(body)["key"].partition("-")[0] for _, body in answers}
        return found

    try:
        assert "ABC-1" == made["key"]
        assert {"XYZ"} == after('key_prefix = "XYZ"\nbind = "127.0.0.1:1"\n', "XYZ")
        assert {"XYZ"} == after("key_prefix = 7\n", "XYZ")
        end = time.monotonic() + 10
        while "the configuration stays as it was" not in server.log.read_text() and time.monotonic() < end:
            time.sleep(0.1)
        assert "the configuration stays as it was" in server.log.read_text()
        assert 200 == server.get("/healthz")[0]
    finally:
        assert 0 == _stop(server.process)


def _created(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {server.first_key}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/tasks", json.dumps({"title": "T"}), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_killed_hub_leaves_folder_and_port_free(tmp_path):
    """`kill -9` of the first process: its workers end by themselves, and the next hub takes the same port."""
    server = _start(tmp_path / "home")
    workers = _eventually(lambda: found if len(found := _children(server.process.pid)) == 2 else None)
    server.process.kill()
    server.process.wait()
    _eventually(lambda: not any(_alive(worker) for worker in workers))
    again = _start(tmp_path / "home", "--bind", f"127.0.0.1:{server.port}")
    _stop(again.process)

    assert server.port == again.port


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _eventually(find):
    """What `find` finds within 20 seconds."""
    end = time.monotonic() + 20
    while not (found := find()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_it_ends_with_its_supervisor(tmp_path):
    """Under `nexus up`, also when that is killed."""
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {SERVE!r}], stderr=open('log', 'w'), stdout=open('out', 'w'))\n"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=home,
        env=_environ(home, NEXUS_SUPERVISED="1"),
        text=True,
        stdout=subprocess.PIPE,
    )
    pid = int(supervisor.stdout.readline())
    _eventually(lambda: read_hub(home / "data") is not None)
    supervisor.kill()
    supervisor.wait()
    _eventually(lambda: not _alive(pid))

    assert read_hub(home / "data") is None


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_the_configured_admin_key_is_accepted(tmp_path):
    """From the first start on, and no other first key is made."""
    secret = "a-bootstrap-key-of-32-letters-or-more"
    server = _start(tmp_path / "home", NEXUS_BOOTSTRAP_ADMIN_KEY=secret)
    try:
        assert (200, "") == (server.get("/api/v1/keys", secret)[0], server.first_key)
    finally:
        _stop(server.process)


def test_a_port_in_use_is_one_clear_error():
    """Unavailable: try again, or choose another."""
    with bind("127.0.0.1:0") as taken:
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=address), bind(address):
            pass


@pytest.mark.parametrize(
    "address", ["8700", "127.0.0.1", "127.0.0.1:x", ":8700", "127.0.0.1:70000", "no.such.host.invalid:1"]
)
def test_an_address_that_makes_no_sense_is_refused(address):
    """As a fault of the configuration."""
    with pytest.raises(ConfigurationError), bind(address):
        pass


def test_an_open_address_is_reached_through_the_loopback():
    """What is shown is what was asked for; this machine's CLI takes 127.0.0.1."""
    with bind("0.0.0.0:0") as listener:
        port = listener.getsockname()[1]

        assert (f"http://0.0.0.0:{port}", f"http://127.0.0.1:{port}") == urls(listener)
    assert ("::1", 8700) == split_address("[::1]:8700")


def test_a_data_folder_that_cannot_be_used_is_said(tmp_path):
    """A file in its place."""
    (tmp_path / "data").write_text("")

    with pytest.raises(ConfigurationError, match="data"), HubLock(tmp_path / "data"):
        pass
