"""A server that is told to end, or to replace its processes, cuts nobody off who was connected already."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from hubs import environment, running, wait_for_hub

MANY = 20
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP], ids=lambda sig: sig.name)
def test_whoever_is_connected_is_answered(tmp_path: Path, sig: signal.Signals) -> None:
    """Clients that no process has taken yet when the signal comes: each gets its answer; later ones are refused."""
    environ = environment(tmp_path)
    with running(environ, tmp_path, "serve") as process:
        place = urlsplit(wait_for_hub(process, Path(environ["NEXUS_DATA_DIR"]), tmp_path / "serve.log").url)
        address = (str(place.hostname), int(place.port or 0))
        workers = psutil.Process(process.pid).children()
        for worker in workers:
            worker.suspend()
        clients = [socket.create_connection(address, 20) for _ in range(MANY)]
        for client in clients:
            client.sendall(REQUEST)
        process.send_signal(sig)
        time.sleep(0.5)  # the first process has hung up, or begun new ones; the others do not know of it yet
        for worker in workers:
            worker.resume()
        answers = [client.recv(12) for client in clients]

        assert {b"HTTP/1.1 200": MANY} == {answer: answers.count(answer) for answer in answers}
        psutil.wait_procs(workers, 20)
        if sig == signal.SIGTERM:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, 5).close()
            assert 0 == process.wait(20)
        else:
            with socket.create_connection(address, 20) as again:
                again.sendall(REQUEST)
                assert b"HTTP/1.1 200" == again.recv(12)
