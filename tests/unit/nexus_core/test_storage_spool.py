"""The spool in files: synced, bounded, shared by processes; what is torn or foreign is put aside and never lost."""

import itertools
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.errors import Invalid, Unavailable
from nexus_core.ports.spool import Spooled
from nexus_core.storage.spool import TRIES, FileSpool
from nexus_core.storage.spool_file import NotOurs, pack, unpack

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def spooled(number=1, body=b'{"n": 1}\n\x00\xff'):
    delivery = VerifiedDelivery(
        source="forge", id=f"d{number}", kind="push", body=body, headers={"content-type": "application/json"},
        subject="forge:5", fingerprint=f"f{number}",
    )  # fmt: skip
    return Spooled(
        delivery=delivery, received_at=NOON + timedelta(seconds=number), address="192.0.2.1", request_id="r1"
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "spool"


@pytest.fixture
def spool(folder):
    return FileSpool(folder, 10**6)


def drained(spool):
    found = []
    spool.drain(found.append)
    return found


def aside(folder):
    return sorted(path.name for path in (folder / "aside").iterdir())


def test_what_is_kept_comes_back_whole_and_once(spool, folder):
    """Body, headers, who sent it and when: all as it was, in the order in which it came."""
    for number in (2, 1, 3):
        spool.put(spooled(number))
    before = spool.state()

    assert (before.number, before.oldest) == (3, NOON + timedelta(seconds=1))
    assert before.size == sum(path.stat().st_size for path in folder.iterdir())
    assert [spooled(1), spooled(2), spooled(3)] == drained(spool)
    assert drained(spool) == []
    assert list(folder.iterdir()) == []


def test_only_its_owner_may_read_it(spool, folder):
    """Webhooks say much of a team: the folder is 0700, the files 0600, whatever the umask says."""
    mask = os.umask(0)
    try:
        spool.put(spooled())
    finally:
        os.umask(mask)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_file_and_folder_are_synced_before_it_is_answered_for(spool, folder, monkeypatch):
    """The file before it gets its name, the folder after; then nothing that a power cut does can lose it."""
    seen = []
    real = os.fsync

    def fsync(descriptor):
        synced = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append((synced.name[:1], [path.name for path in folder.iterdir() if not path.name.startswith(".")]))
        real(descriptor)

    folder.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(os, "fsync", fsync)
    spool.put(spooled())
    name = next(folder.iterdir()).name

    assert seen == [(".", []), ("s", [name])]


def test_it_has_a_limit(folder):
    """Beyond it a delivery is refused with what to do; what is there stays, and there is room again afterwards."""
    spool = FileSpool(folder, 3 * len(pack(spooled())))
    for number in range(3):
        spool.put(spooled(number))
    with pytest.raises(Unavailable, match="the spool for webhooks is full; send it again later"):
        spool.put(spooled(4))
    kept = len(drained(spool))
    spool._counted = (float("-inf"), 0)  # a second passes
    spool.put(spooled(5))

    assert kept == 3
    assert spool.state().number == 1


def test_a_disk_that_refuses_is_said(tmp_path):
    """Where the folder cannot be made or is full, the sender hears of it, and no half a file remains."""
    (tmp_path / "data").write_text("a file where the folder should be")

    with pytest.raises(Unavailable, match="cannot be spooled: Not a directory"):
        FileSpool(tmp_path / "data" / "spool", 10**6).put(spooled())


def test_while_the_store_is_away_all_go_on_waiting(spool):
    """The first that the store does not take ends the attempt; nothing is forgotten and nothing put aside."""
    for number in range(3):
        spool.put(spooled(number))
    tried = []

    def store(one):
        tried.append(one.delivery.id)
        if len(tried) == 2:
            raise Unavailable("it is away")

    with pytest.raises(Unavailable):
        spool.drain(store)

    assert tried == ["d0", "d1"]
    assert (spool.state().number, spool.state().aside) == (2, 0)


@pytest.mark.parametrize("cut", [1, 20, 100, 200])
def test_torn_files_are_put_aside(spool, folder, cut, caplog):
    """A file whose end is missing is no delivery: it goes aside under its name, the log says so, the rest is stored."""
    spool.put(spooled(1))
    torn = next(folder.iterdir())
    torn.write_bytes(torn.read_bytes()[:-cut])
    content = torn.read_bytes()
    spool.put(spooled(2))

    assert [spooled(2)] == drained(spool)
    assert aside(folder) == [torn.name]
    assert (folder / "aside" / torn.name).read_bytes() == content
    assert torn.name in caplog.text
    assert spool.state().aside == 1


def test_foreign_things_are_put_aside(spool, folder, tmp_path):
    """Files, folders and links of others: moved as they are, never followed, never deleted."""
    spool.put(spooled())
    name = next(folder.iterdir()).name
    (tmp_path / "secret").write_text("not for the spool")
    (folder / "notes.txt").write_text("mine")
    (folder / "a folder").mkdir()
    (folder / name.replace("2026", "2025")).symlink_to(tmp_path / "secret")

    assert [spooled()] == drained(spool)
    assert aside(folder) == sorted(["notes.txt", "a folder", name.replace("2026", "2025")])
    assert (tmp_path / "secret").read_text() == "not for the spool"


def test_a_file_that_is_being_written_is_left_alone_until_its_writer_is_surely_dead(spool, folder):
    """Another process may be at it; after a minute it goes aside. Its sender got no 2xx for it."""
    spool.put(spooled())
    whole = next(folder.iterdir())
    unfinished = whole.rename(folder / f".{whole.name}")
    young = (drained(spool), unfinished.exists())
    os.utime(unfinished, (time.time() - 100, time.time() - 100))

    assert young == ([], True)
    assert drained(spool) == []
    assert aside(folder) == [whole.name]


def test_what_the_store_refuses_again_and_again_goes_aside(spool, folder, caplog):
    """It does not hold the others up. Moved back by hand it is tried again."""
    spool.put(spooled(1))
    spool.put(spooled(2))

    def store(one):
        if one.delivery.id == "d1":
            raise Invalid("the store will not have it")

    first = spool.drain(store)
    for _ in range(TRIES - 1):
        spool.drain(store)
    gone = aside(folder)
    (folder / "aside" / gone[0]).rename(folder / gone[0])

    assert first == 1
    assert len(gone) == 1
    assert "the store will not have it" in caplog.text
    assert [spooled(1)] == drained(spool)


def test_nothing_but_our_own_files_is_read():
    """Whole is what has the sum of its content and a head that makes sense."""
    good = pack(spooled())

    assert unpack(good) == spooled()
    for bad in (b"", b"\n", good[:-1], good + b"x", b"x" + good, good.replace(b"192.0.2.1", b"192.0.2.2")):
        with pytest.raises(NotOurs):
            unpack(bad)


def test_an_empty_body_and_a_body_of_newlines_are_as_they_were():
    """The body is bytes, not lines."""
    for body in (b"", b"\n\n", b"{}\n", bytes(range(256))):
        one = attrs.evolve(spooled(), delivery=attrs.evolve(spooled().delivery, body=body))

        assert unpack(pack(one)) == one


_DRAINER = """
import sys, time
from pathlib import Path
from nexus_core.storage.spool import FileSpool
spool, seen = FileSpool(Path(sys.argv[1]), 10**9), []
deadline = time.monotonic() + 20
print("ready", flush=True)
sys.stdin.readline()
def store(one):
    print(one.delivery.id, flush=True)
    time.sleep(0.002)
while time.monotonic() < deadline and spool.state().number:
    spool.drain(store)
"""


def test_processes_drain_beside_each_other_each_file_once(spool, folder):
    """Four processes on one folder: every delivery is handed to the store by exactly one of them."""
    for number in range(200):
        spool.put(spooled(number))
    drainers = [
        subprocess.Popen(
            [sys.executable, "-c", _DRAINER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for one in drainers:
        one.stdout.readline()
    for one in drainers:
        one.stdin.write("go\n")
        one.stdin.flush()
    shares = [one.communicate(timeout=30)[0].split() for one in drainers]

    assert sorted(itertools.chain(*shares)) == sorted(f"d{number}" for number in range(200))
    assert sum(bool(share) for share in shares) > 1
