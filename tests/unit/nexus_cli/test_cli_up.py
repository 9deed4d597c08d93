"""`nexus up` and what runs below it, as real processes; and following events over a real hub."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from nexus_core.location import read_hub

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals here")


def start(*arguments: str) -> subprocess.Popen:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "nexus_cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(found, seconds=30.0):
    """Wait until something is found, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.02)
    raise AssertionError("it did not come in time")


def below(pid: int, word: str) -> list[psutil.Process]:
    """The living processes that one started directly, by a word of their command."""
    found = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):  # it ended while we looked
            if child.status() != psutil.STATUS_ZOMBIE and word in child.cmdline():
                found.append(child)
    return found


@contextmanager
def running(tmp_path):
    """`nexus up` on a free port; (process, its first document)."""
    process = start("up", "--bind", "127.0.0.1:0", "--json")
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=40)
        finally:
            process.kill()


@pytest.fixture
def up(tmp_path):
    """A running hub."""
    with running(tmp_path) as (process, document):
        yield process, document


def test_up_tells_address_and_first_key_and_the_cli_finds_it(up, nexus, monkeypatch):
    """The key works; a command on the same data folder is answered by the hub."""
    _, document = up
    mine = nexus("whoami", "--json").document
    monkeypatch.setenv("NEXUS_TOKEN", document["admin_key"])

    assert document["docs"] == f"{document['url']}/docs"
    assert "local hub" in mine["name"]
    assert "keys:write" in nexus("whoami", "--server", document["url"], "--json").document["scopes"]


def test_a_second_hub_on_the_folder_is_one_line_and_4(up):
    """The message is the server's own, and the code too."""
    second = start("up", "--bind", "127.0.0.1:0")
    out, err = second.communicate(timeout=30)

    assert (4, "", 1) == (second.returncode, out, err.count("\n"))
    assert "a hub runs on" in err


def test_a_process_that_is_killed_is_started_again(up, nexus):
    """The worker first, then the server, on the same data."""
    process, _ = up
    worker = until(lambda: below(process.pid, "worker"))[0]
    worker.kill()
    again = until(lambda: [one for one in below(process.pid, "worker") if one.pid != worker.pid])
    server = below(process.pid, "serve")[0]
    server.kill()
    until(lambda: [one for one in below(process.pid, "serve") if one.pid != server.pid])

    assert again
    assert until(lambda: "local hub" in nexus("whoami").out)


def test_a_signal_stops_both_and_leaves_nothing(tmp_path):
    """No process, and no word of a hub; the exit code says that all went well."""
    with running(tmp_path) as (process, _):
        until(lambda: below(process.pid, "worker"))
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=40)

    assert (0, []) == (process.returncode, [one for one in family if one.is_running()])
    assert read_hub(Path(os.environ["NEXUS_DATA_DIR"])) is None


def test_a_hangup_replaces_what_works_below_it(up, nexus):
    """The configuration is read anew by processes that take over; the hub goes on."""
    process, _ = up
    outer = [until(lambda word=word: below(process.pid, word))[0] for word in ("serve", "worker")]
    inner = [until(one.children) for one in outer]
    process.send_signal(signal.SIGHUP)
    until(lambda: not any(one.is_running() for each in inner for one in each))

    assert all(one.is_running() for one in outer)
    assert until(lambda: "local hub" in nexus("whoami").out)


def test_events_are_followed_as_they_happen(up, nexus):
    """A follower is told of what comes after it began, one document a line."""
    follower = start("events", "--follow", "--type", "task.created", "--json")
    try:
        ready: list[object] = []
        while not ready:  # it may take its time to begin
            nexus("task", "add", "Seen at once")
            ready, _, _ = select.select([follower.stdout], [], [], 1.0)
        event = json.loads(follower.stdout.readline())
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=10)
    finally:
        follower.kill()

    assert ("task.created", "Seen at once") == (event["type"], event["payload"]["title"])
    assert 0 == follower.returncode


def test_an_address_in_use_is_one_line_and_75(tmp_path, server):
    """The server's message names the address."""
    address = server.url.removeprefix("http://")
    process = start("up", "--bind", address)
    out, err = process.communicate(timeout=30)

    assert (75, "") == (process.returncode, out)
    assert f"{address} is in use by another program" in err and err.count("\n") == 1
