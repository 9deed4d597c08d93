"""The API beside what it could be at best and beside its peers: one task, a list of 50, the intake of webhooks.

    python bench/rest.py --peers VENV [--tasks 10000 200000] [--rounds 5] [--seconds 2] [--postgres URL]
                         [--only NAME …] [--no-webhooks] [--no-sqlite] [--quiet]

VENV is the folder of a virtual environment with the peers, which the project itself never depends on:

    python -m venv VENV && VENV/bin/pip install falcon gunicorn 'psycopg[binary,pool]' fastapi uvicorn uvloop \
        'sqlalchemy[asyncio]' asyncpg 'django<6' djangorestframework

Every server runs with two workers; wrk (of Debian) asks with 32 connections. The servers take turns in rounds; medians
count, and the medians of the ratios within the rounds. Processor time a request is of the server's processes and of
those of PostgreSQL that serve the bench's database; it is steadier than requests a second. Nexus answers as it does in
life: key, scope, ETag, limits of bodies, a line in the log for each request (`--quiet` leaves that one out).
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import random
import secrets
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).parent))
import claims
import hub_data
from serving import Backends, Sample, free_port, running, sample

HERE = Path(__file__).parent
HELLO, BARE, FASTAPI, DRF = "falcon hello", "bare falcon", "fastapi sqlalchemy", "django rest"
ONE_PLAN, NEXUS, SQLITE = "bare, one plan", "nexus", "nexus sqlite"
SECRET = "a-secret-of-the-bench-alone"
GUNICORN = ("-w", "2", "-k", "gthread", "--threads", "4", "--keep-alive", "75", "--log-level", "warning")
UVICORN = ("--workers", "2", "--no-access-log", "--log-level", "warning")
GOALS = {
    "one": {BARE: 0.7, FASTAPI: 3.5, DRF: 5.0},
    "list": {BARE: 0.85, FASTAPI: 4.0, DRF: 7.0},
    "webhook": {BARE: 0.7, FASTAPI: 1.4},
}

ONE = """math.randomseed(os.time()); local most = tonumber(os.getenv("BENCH_TASKS"))
request = function()
  return wrk.format("GET", os.getenv("BENCH_PATH") or "/api/v1/tasks/" .. math.random(1, most)) end"""
LIST = """math.randomseed(os.time())
request = function()
  local path = "/api/v1/tasks?repository=" .. math.random(1, 20) .. "&status=pending&limit=50"
  return wrk.format("GET", os.getenv("BENCH_PATH") or path) end"""
HEADER = 'wrk.headers["Authorization"] = os.getenv("BENCH_KEY")\n'
HOOK = """local file = io.open(os.getenv("BENCH_HOOK") .. ".head", "rb"); local head = file:read("*a"); file:close()
local signatures = io.open(os.getenv("BENCH_HOOK") .. ".signatures", "rb")
local number = tonumber(os.getenv("BENCH_FIRST")); signatures:seek("set", number * 65)
local headers = {["Content-Type"] = "application/json", ["X-GitHub-Event"] = "issues"}
request = function()
  headers["X-Hub-Signature-256"] = "sha256=" .. signatures:read("*l")
  headers["X-GitHub-Delivery"] = "bench-" .. number
  local body = head .. string.format("%012d", number) .. '"}'
  number = number + 1
  return wrk.format("POST", "/api/v1/webhooks/github", headers, body) end"""
MOST_HOOKS = 400_000


@attrs.frozen
class Server:
    """A server that runs."""

    name: str
    pid: int
    port: int
    key: str = ""
    backends: Backends | None = None

    def read(self, path: str) -> bytes:
        """The body of one answer."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": self.key} if self.key else {}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            body: bytes = answer.read()
            return body


class Bench:
    """The servers over one database, and what was found."""

    def __init__(self, options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self._options = options
        self._folder = folder
        self._stack = stack
        self.servers: dict[str, Server] = {}

    def wants(self, name: str) -> bool:
        """Whether a configuration is measured."""
        return not self._options.only or name in self._options.only

    def peers(self, url: str, backends: Backends) -> None:
        """Start those that are not Nexus."""
        venv = self._options.peers / "bin"
        one_plan = f"{url}?options=-c%20plan_cache_mode%3Dforce_generic_plan"
        commands = {
            HELLO: ([venv / "gunicorn", "bare:app", *GUNICORN], url),
            BARE: ([venv / "gunicorn", "bare:app", *GUNICORN], url),
            ONE_PLAN: ([venv / "gunicorn", "bare:app", *GUNICORN], one_plan),
            FASTAPI: ([venv / "uvicorn", "fastapi_sqlalchemy:app", *UVICORN], url),
            DRF: ([venv / "gunicorn", "drf:app", *GUNICORN], url),
        }  # fmt: skip
        for name, (command, database) in commands.items():
            if self.wants(name):
                port = free_port()
                at = ["--port", str(port)] if name == FASTAPI else ["-b", f"127.0.0.1:{port}"]
                environ = {"BENCH_DATABASE": database, "BENCH_SECRET": SECRET}
                self._start(name, [*map(str, command), *at], port, environ, HERE / "peers", "", backends)

    def nexus(self, name: str, url: str, backends: Backends | None) -> None:
        """Start Nexus on a database, with the key of somebody who may look."""
        if not self.wants(name):
            return
        hub = claims.open_hub(url)
        key = hub.keys.create("bench", role="viewer").secret
        hub.close()
        data = self._folder / name.replace(" ", "-")
        data.mkdir(exist_ok=True)
        port = free_port()
        environ = {
            "NEXUS_DATABASE_URL": url if "://" in url else f"sqlite:///{url}", "NEXUS_DATA_DIR": str(data),
            "NEXUS_GITHUB_WEBHOOK_SECRET": SECRET, "HOME": str(self._folder),
        }  # fmt: skip
        command = [
            str(Path(sys.executable).with_name("nexus")),
            "serve",
            "--bind",
            f"127.0.0.1:{port}",
            "--workers",
            "2",
        ]
        command += ["--quiet"] if self._options.quiet else []
        command += ["--threads", str(self._options.threads)] if self._options.threads else []
        self._start(name, command, port, environ, self._folder, f"Bearer {key}", backends)

    def _start(
        self, name: str, command: list[str], port: int, environ: Mapping[str, str], folder: Path, key: str,
        backends: Backends | None,
    ) -> None:  # fmt: skip
        log = self._folder / f"{name.replace(' ', '-')}.log"
        pid = self._stack.enter_context(running(command, port, environ, folder, log))
        self.servers[name] = Server(name, pid, port, key, backends)

    def rounds(
        self, names: list[str], ask: Callable[[Server, int], Sample], after: Callable[[], None] = lambda: None
    ) -> dict[str, list[Sample]]:
        """What each server gave, round by round; the first round, in which all warms up, does not count."""
        found: dict[str, list[Sample]] = {name: [] for name in names if name in self.servers}
        for number in range(self._options.rounds + 1):
            for name in found:
                one = ask(self.servers[name], number)
                if number:
                    found[name].append(one)
            after()
        return found


def check_answers(bench: Bench, tasks: int) -> None:
    """Nexus and the bare handler answer the same bytes; the others the same tasks with the same fields."""
    listed = "/api/v1/tasks?repository=7&status=pending&limit=50"
    for path in (f"/api/v1/tasks/{tasks // 2}", f"/api/v1/tasks/{tasks // 3}", listed):
        answers = {name: one.read(path) for name, one in bench.servers.items() if name != HELLO}
        whole = answers.get(BARE)
        for name, answer in answers.items():
            found = json.loads(answer)
            if whole is not None and name in (NEXUS, ONE_PLAN) and answer != whole:
                at = next((at for at, pair in enumerate(zip(answer, whole, strict=False)) if pair[0] != pair[1]), 0)
                here = slice(max(0, at - 200), at + 200)
                sys.exit(
                    f"{name} answers other bytes than the bare handler for {path}:\n{answer[here]!r}\n{whole[here]!r}"
                )
            if whole is not None and _shape(found) != _shape(json.loads(whole)):
                sys.exit(f"{name} answers something else for {path}: {answer[:500]!r}")
    if BARE in bench.servers:
        print(f"one task: {len(bench.servers[BARE].read('/api/v1/tasks/777'))} bytes, "
              f"a list: {len(bench.servers[BARE].read(listed))} bytes", flush=True)  # fmt: skip


def _shape(answer: dict[str, object]) -> object:
    items = answer.get("items", [answer])
    assert isinstance(items, list)
    # The changes that name a task are no column of it; here there are none, and the ORMs are spared the look.
    return [(item["id"], sorted(item.keys() - {"changes"}), item["dependencies"], item["raw_data"]) for item in items]


def show(title: str, kind: str, found: dict[str, list[Sample]]) -> None:
    """Print the table of one kind of request, and whether the goals are met."""
    heads = f"{'req/s':>8}{'least–most':>14}{'app us':>8}{'db us':>7}{'p50 ms':>8}{'p99 ms':>8}{'bad':>5}  nexus is"
    print(f"\n{title}\n{'':<20}{heads}")
    for name, samples in found.items():
        rates = [one.rate for one in samples]
        beside = ""
        if NEXUS in found and name != NEXUS:
            beside = f"{_ratio(found, name):6.2f} of it by rate, {_work(found, name):.2f} by processor time"
        print(
            f"{name:<20}{statistics.median(rates):>8.0f}{f'{min(rates):.0f}–{max(rates):.0f}':>14}"
            f"{_middle(samples, 'app'):>8.0f}{_middle(samples, 'database'):>7.0f}{_middle(samples, 'p50'):>8.1f}"
            f"{_middle(samples, 'p99'):>8.1f}{sum(one.bad for one in samples):>5}  {beside}"
        )
    for name, least in GOALS[kind].items():
        if NEXUS in found and name in found:
            got = _ratio(found, name)
            print(f"  {'holds' if got >= least else 'MISSED'}: {got:.2f} of {name}, at least {least} wanted")
    sys.stdout.flush()


def _middle(samples: list[Sample], what: str) -> float:
    return statistics.median(getattr(one, what) for one in samples)


def _ratio(found: dict[str, list[Sample]], name: str) -> float:
    pairs = zip(found[NEXUS], found[name], strict=True)
    return statistics.median(ours.rate / max(theirs.rate, 1e-9) for ours, theirs in pairs)


def _work(found: dict[str, list[Sample]], name: str) -> float:
    pairs = zip(found[NEXUS], found[name], strict=True)
    return statistics.median((b.app + b.database) / (a.app + a.database) for a, b in pairs)


def measure_reads(bench: Bench, tasks: int, options: argparse.Namespace, folder: Path) -> None:
    """One task, and a list of 50 with filters."""
    names = [NEXUS, BARE, ONE_PLAN, HELLO, FASTAPI, DRF, SQLITE]
    for kind, lua in (("one", ONE), ("list", LIST)):
        script = folder / f"{kind}.lua"
        script.write_text(HEADER + lua)

        def ask(server: Server, number: int, script: Path = script) -> Sample:
            environ = {"BENCH_TASKS": str(tasks), "BENCH_KEY": server.key or "none"}
            environ |= {"BENCH_PATH": "/hello"} if server.name == HELLO else {}
            url = f"http://127.0.0.1:{server.port}"
            return sample(server.pid, server.backends, url, script, options.seconds if number else 1, environ)

        show(f"{tasks} tasks, {'one task' if kind == 'one' else 'a list of 50'}", kind, bench.rounds(names, ask))


def hook_files(folder: Path) -> Path:
    """Bodies of 25 KB that differ in their last letters, and the signature of each."""
    chance = random.Random(3)
    payload: dict[str, object] = {
        "action": "opened",
        "issue": {
            "number": 7, "title": "x", "body": "".join(chance.choice("abcdefghij klmnop\n") for _ in range(8000)),
            "labels": [{"id": one, "name": f"label-{one}", "color": "ff0000"} for one in range(40)],
        },
        "repository": {"id": 5, "full_name": "acme/repo-5"}
        | {f"k{one}_url": f"https://git.example/repos/{one}/{chance.getrandbits(128):032x}" for one in range(150)},
    }  # fmt: skip
    payload["pad"] = f"{chance.getrandbits(8 * 12_500):x}"[: max(0, 24_960 - len(json.dumps(payload)))]
    head = json.dumps(payload)[:-1].encode() + b', "n": "'
    (folder / "hook.head").write_bytes(head)
    begun = hmac.new(SECRET.encode(), head, hashlib.sha256)
    with (folder / "hook.signatures").open("w") as file:
        for number in range(MOST_HOOKS):
            one = begun.copy()
            one.update(b'%012d"}' % number)
            file.write(one.hexdigest() + "\n")
    print(f"a webhook: {len(head) + 14} bytes")
    return folder / "hook"


def measure_hooks(bench: Bench, options: argparse.Namespace, folder: Path, backends: Backends) -> None:
    """Webhooks: signature checked, stored once, 202."""
    files = hook_files(folder)
    script = folder / "hook.lua"
    script.write_text(HOOK)
    step = MOST_HOOKS // (options.rounds + 1)
    emptied = (
        "ALTER TABLE events DISABLE TRIGGER USER",  # which let nobody take away what was recorded
        "TRUNCATE deliveries, jobs, events, bench_events",
        "ALTER TABLE events ENABLE TRIGGER USER",
        "CHECKPOINT",
    )

    def ask(server: Server, number: int) -> Sample:
        environ = {"BENCH_HOOK": str(files), "BENCH_FIRST": str(step * number)}
        url = f"http://127.0.0.1:{server.port}"
        return sample(server.pid, server.backends, url, script, options.seconds if number else 1, environ)

    found = bench.rounds([NEXUS, BARE, FASTAPI], ask, lambda: backends.run(*emptied))
    show("webhooks of 25 KB", "webhook", found)


@contextmanager
def database(postgres: str) -> Iterator[str]:
    """An empty database with Nexus's tables and one for the peers' webhooks; gone afterwards."""
    import psycopg

    name = f"nexus_bench_{secrets.token_hex(4)}"
    url = postgres.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            claims.open_hub(url).close()
            with psycopg.connect(url, autocommit=True) as inner:
                inner.execute(
                    "CREATE TABLE bench_events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                    " delivery_id text NOT NULL UNIQUE, event text NOT NULL, payload jsonb NOT NULL,"
                    " received_at timestamptz NOT NULL DEFAULT now())"
                )
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run(tasks: int, options: argparse.Namespace, *, webhooks: bool) -> None:
    """Measure on a hub of so many tasks."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nexus-bench-")))
        url = stack.enter_context(database(options.postgres))
        hub_data.fill_postgres(url, tasks)
        backends = Backends(url)
        bench = Bench(options, folder, stack)
        bench.peers(url, backends)
        bench.nexus(NEXUS, url, backends)
        if options.sqlite and bench.wants(SQLITE):
            path = str(folder / "nexus.db")
            claims.open_hub(path).close()
            hub_data.fill_sqlite(path, tasks)
            bench.nexus(SQLITE, path, None)
        check_answers(bench, tasks)
        if not options.only_webhooks:
            measure_reads(bench, tasks, options, folder)
        if webhooks:
            measure_hooks(bench, options, folder, backends)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, metavar="VENV")
    parser.add_argument("--tasks", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--threads", type=int, help="of each worker of Nexus; its own default otherwise")
    parser.add_argument("--no-webhooks", dest="webhooks", action="store_false")
    parser.add_argument("--only-webhooks", action="store_true")
    parser.add_argument("--no-sqlite", dest="sqlite", action="store_false")
    parser.add_argument("--quiet", action="store_true", help="Nexus logs no requests")
    parser.add_argument(
        "--postgres", default=os.environ.get("NEXUS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1/postgres")
    )
    options = parser.parse_args()
    options.peers = options.peers.absolute()
    for tasks in options.tasks:
        run(tasks, options, webhooks=options.webhooks and tasks == options.tasks[-1])


if __name__ == "__main__":
    main()
