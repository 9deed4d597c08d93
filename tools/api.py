"""Try the API as its description says it is: `nexus serve` on SQLite, every principal, every phase of schemathesis.

`nox -s api` installs what this needs; `--seed` and `--examples` widen it. Redocly lints where `npx` can run it.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ADMIN = "nxs_key_" + "0123456789abcdefghijklmnopqrstuvwxyzAB"
AGENT = ("tasks:read", "assignments:read", "assignments:claim", "assignments:write", "repositories:read", "events:read")
# A version that was read may be stale, a key may have come with another body, a long poll may last 25 seconds: none of
# it can be said in a schema.
SETTINGS = """
request-timeout = 40
[checks]
max_response_time = 60
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 428, 429, "5xx"]
[[operations]]
include-path = "/api/v1/events/stream"
request-timeout = 2
"""


def main() -> int:
    """Everything, in turn; the number of principals that met a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=5)
    parser.add_argument("--only", help="one principal")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address:
        document = Path(folder) / "openapi.json"
        document.write_bytes(fetch(f"{address}/openapi.json"))
        run("openapi-spec-validator", str(document))
        if shutil.which("redocly"):
            run("redocly", "lint", str(document))
        (Path(folder) / "schemathesis.toml").write_text(SETTINGS)
        failed = 0
        for name, key in principals(address).items():
            if wanted.only in (None, name):
                print(f"--- as {name}", flush=True)
                failed += bool(attack(address, key, Path(folder), wanted.seed, wanted.examples))
        return failed


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server with a data folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "NEXUS_DATA_DIR": str(folder / "data"), "NEXUS_BIND": f"127.0.0.1:{port}", "NEXUS_BOOTSTRAP_ADMIN_KEY": ADMIN,
    }  # fmt: skip
    log = (folder / "server.log").open("wb")
    server = subprocess.Popen(["nexus", "serve"], env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(150):
            with contextlib.suppress(OSError):
                fetch(f"{address}/readyz")
                break
            time.sleep(0.2)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def principals(address: str) -> dict[str, str | None]:
    """Name -> key of everybody who tries; there are two repositories, and two keys are narrowed to the first."""
    for name in ("acme/api", "acme/other"):
        post(address, "repositories", {"name": name})

    def key(**fields: Any) -> str:
        made: str = post(address, "keys", {"name": "tried", **fields})["key"]
        return made

    return {
        "nobody": None,
        "viewer": key(role="viewer"),
        "developer": key(role="developer"),
        "agent": key(scopes=AGENT, repositories=[1], agent="claude"),
        "narrowed": key(role="admin", repositories=[1]),
        "admin": ADMIN,
    }


def post(address: str, path: str, body: Any) -> Any:
    """The answer to a request of the admin."""
    request = urllib.request.Request(  # noqa: S310 - as above
        f"{address}/api/v1/{path}", json.dumps(body).encode(),
        {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"},
    )  # fmt: skip
    return json.loads(fetch(request))


def fetch(request: str | urllib.request.Request) -> bytes:
    """What our own server answers."""
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - an address of this machine, made here
        body: bytes = answer.read()
    return body


def attack(address: str, key: str | None, folder: Path, seed: int, examples: int) -> int:
    """Run schemathesis with all checks in all phases; its exit code."""
    as_whom = ["-H", f"Authorization: Bearer {key}"] if key else []
    return subprocess.call([
        "schemathesis", "--config-file", str(folder / "schemathesis.toml"), "run", f"{address}/openapi.json", *as_whom,
        "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--seed", str(seed),
        "--max-examples", str(examples), "--continue-on-failure", "--warnings", "off",
    ], cwd=folder)  # fmt: skip


def run(*command: str) -> None:
    """Run a command that has to succeed."""
    print("$", *command, flush=True)
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
