"""The authorisation matrix: every route and method, by everybody, on their own, a foreign and no object.

The table that is checked in (docs/reference/authorisation.md) says what each is answered. To write it anew, after a
look at what changed: `NEXUS_WRITE_AUTHORISATION=1 pytest tests/unit/nexus_http/test_http_authorisation.py`.
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from nexus_core import Nexus
from nexus_core.config import load_config
from nexus_http import waiting
from nexus_http.routes import all_routes


def _beside(name):
    """A module of the folder `access`: these tests are no package."""
    folder = Path(__file__).parent / "access"
    if "access" not in sys.modules:
        spec = importlib.util.spec_from_file_location("access", folder / "__init__.py")
        sys.modules["access"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["access"])
    return importlib.import_module(f"access.{name}")


world_module, rows = _beside("world"), _beside("rows")
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "authorisation.md"
HEAD = """# Who may do what

Every route and method, asked by everybody, on an object of a repository of theirs (own), of another repository
(foreign) and on one that is not there (none). Each number is the answer's status; this page is written and checked by
`tests/unit/nexus_http/test_http_authorisation.py`.

* **agent**: a key that is bound to an agent and narrowed to one repository, with what an agent needs.
* **narrowed**: a key with every scope, narrowed to one repository. What is foreign answers as what is not there.
* **assignment**: the key that came with a claim: it reads its repository, and works on this one assignment.
* **revoked**: a key that was an admin's.

People and webhooks are of no repository: for these, own and foreign are the same.
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The two repositories, for all cells."""
    folder = tmp_path_factory.mktemp("hub")
    file = folder / "nexus.toml"
    file.write_text('[agents.launched]\ncommand = ["true"]\nconcurrency = 1000\n')
    environ = {"NEXUS_DATA_DIR": str(folder / "data"), "XDG_CONFIG_HOME": str(folder), "NEXUS_CONFIG": str(file)}
    config = load_config(environ=environ)
    config.data_dir.mkdir(parents=True)
    waiting.limit_seats(4)
    waiting.stopping.set()  # so that a stream ends after its first look
    with Nexus.open(config, load_plugins=False, plugins=[world_module.Failing()]) as nexus:
        yield world_module.World(nexus)
    waiting.stopping.clear()


def _ask(world, row, where, principal):
    world.begin(principal)
    asked = row.make(world, where, principal)
    return world.call(principal, row.method, asked.path, asked.body, asked.headers)


def _line(row, where, statuses):
    cells = (f"{row.method} {row.route}", row.how, where, *statuses)
    return f"| {' | '.join(f'`{cell}`' if at == 0 else str(cell) for at, cell in enumerate(cells))} |"


def _table(lines):
    head = ("route", "tried", "object", *world_module.PRINCIPALS)
    return "\n".join([HEAD, f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines, ""])


@pytest.fixture(scope="module")
def written():
    """The lines of the page that is checked in, by route, what is tried, and object."""
    lines = PAGE.read_text("utf-8").splitlines() if PAGE.exists() else []
    found = {}
    for line in lines:
        cells = [cell.strip().strip("`") for cell in line.strip("| ").split(" | ")]
        if line.startswith("| `"):
            found[tuple(cells[:3])] = line
    return found


def test_every_route_is_in_the_matrix():
    """A route or method without a row fails, as does a row without a route."""
    routed = {(method, re.sub(r":[^}]*", "", path)) for path, entry in all_routes() for method in entry.methods}

    assert routed == {(row.method, row.route) for row in rows.ROWS}


@pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: f"{row.method} {row.route} {row.how}")
def test_everybody_is_answered_as_the_page_says(world, written, row):
    """The real call, over the whole application, on real objects."""
    for where in row.objects:
        statuses = [_ask(world, row, where, principal).status_code for principal in world_module.PRINCIPALS]
        line = _line(row, where, statuses)
        if os.environ.get("NEXUS_WRITE_AUTHORISATION"):
            written[(f"{row.method} {row.route}", row.how, where)] = line
        else:
            assert written.get((f"{row.method} {row.route}", row.how, where)) == line


def test_the_page_is_written_when_asked_for(written):
    """And has no line beyond the rows."""
    keys = [(f"{row.method} {row.route}", row.how, where) for row in rows.ROWS for where in row.objects]
    if os.environ.get("NEXUS_WRITE_AUTHORISATION"):
        PAGE.write_text(_table([written[key] for key in keys]), "utf-8")

    assert set(keys) == set(written)


def _seen(answer, name):
    """What an answer tells, but for the name that was asked for, numbers, and the request's id."""
    text = re.sub(r'"request_id": ?"\w+"', "", answer.text)
    return answer.status_code, re.sub(r"\d+", "N", text.replace(name, "NAME"))


@pytest.mark.parametrize("row", rows.HIDING, ids=lambda row: f"{row.method} {row.route} {row.how}")
def test_what_is_foreign_looks_like_what_is_not_there(world, row):
    """To the letter: neither status nor words tell that there is something. Never 403 where the scope is held."""
    for principal in world_module.NARROWED:
        told = []
        for where in (world_module.FOREIGN, world_module.NONE):
            world.begin(principal)
            asked = row.make(world, where, principal)
            answer = world.call(principal, row.method, asked.path, asked.body, asked.headers)
            told.append(_seen(answer, world_module.NAMES[where]))
        if row.route.endswith("/users/{user_id}") or row.route.endswith("/api/v1/repositories"):
            continue  # people are of no repository; and who is narrowed adds none, whatever its name
        assert told[0] == told[1], principal


@pytest.mark.parametrize("principal", world_module.NARROWED)
def test_no_list_tells_of_a_foreign_repository(world, principal):
    """Nor do events, the stream, the inbox, jobs, agents, keys and pictures: not a name, a title, an agent."""
    world.question(world_module.FOREIGN, principal)
    world.key(world_module.FOREIGN)
    world.job(world_module.FOREIGN)
    world.begin(principal)
    for row in rows.OPEN_READS:
        asked = row.make(world, "", principal)
        for query in ("", "?limit=200", "?after=0", "?newest=true", "?agent=hidden-canary-agent"):
            answer = world.call(principal, "GET", asked.path + query)
            assert "hidden-canary" not in answer.text, (row.route, query)


def test_what_waits_across_repositories_tells_no_words_of_the_other(world):
    """A dependency that was cancelled, what would become ready, and a cycle: none names a task of the other."""
    own, foreign = world.task("own"), world.task("foreign")
    behind = world.task("foreign")
    world.nexus.tasks.depend(own, foreign)
    world.nexus.tasks.depend(behind, own)
    world.nexus.tasks.move(foreign, "cancelled")
    readiness = world.call("narrowed", "GET", f"/api/v1/tasks/{own}/readiness")
    another = world.task("own")
    world.nexus.tasks.depend(another, behind)
    cycle = world.call("narrowed", "PUT", f"/api/v1/tasks/{own}/dependencies/{another}")

    assert (200, []) == (readiness.status_code, readiness.json["impact"]["unblocks"])
    assert "hidden-canary" not in readiness.text
    assert (409, "cycle") == (cycle.status_code, cycle.json["code"])
    assert "hidden-canary" not in cycle.text
    assert behind not in cycle.json["path"]


def test_a_cursor_of_somebody_else_opens_nothing(world):
    """A cursor is a place in a list, and the list is the asker's own."""
    for where in ("own", "foreign", "own", "foreign"):
        world.task(where)
    for path in ("/api/v1/tasks?limit=1", "/api/v1/events?limit=1", "/api/v1/jobs?limit=1", "/api/v1/keys?limit=1"):
        cursor = world.call("admin", "GET", path).json["next_cursor"]
        answer = world.call("narrowed", "GET", f"{path.replace('limit=1', 'limit=200')}&cursor={cursor}")
        assert (200, False) == (answer.status_code, "hidden-canary" in answer.text)


@pytest.mark.parametrize(
    "wider",
    [
        {"role": "admin", "repositories": None},
        {"role": "admin"},
        {"scopes": ["keys:write"], "repositories": []},
    ],
)
def test_no_key_mints_a_wider_one(world, wider):
    """Whatever a narrowed key asks for, what it gets sees no more than itself."""
    made = world.call("narrowed", "POST", "/api/v1/keys", {"name": "wider"} | wider)
    world.keys["minted"] = made.json.get("key")
    seen = world.call("minted", "GET", "/api/v1/me")

    assert (201, True) == (made.status_code, set(seen.json["repositories"]) <= {world.repository("own")})


def test_nobody_gives_a_role_that_they_lack(world):
    """Who may only invite invites no admin, and makes nobody one."""
    world.keys["inviter"] = world.nexus.keys.create("inviter", scopes=["users:read", "users:write"]).secret
    user = world.user("own")
    invited = world.call("inviter", "POST", "/api/v1/users", {"username": "mallory", "role": "admin"})
    raised = world.call("inviter", "PATCH", f"/api/v1/users/{user}", {"role": "admin"})

    assert (403, 403) == (invited.status_code, raised.status_code)


def test_the_key_of_an_assignment_reads_no_more_than_its_claimer(world):
    """A key that may only claim gets one that only works."""
    own = [world.repository("own")]
    world.keys["claimer"] = world.nexus.keys.create("c", scopes=["assignments:claim"], repositories=own).secret
    task = world.task("own")
    claimed = world.call("claimer", "POST", "/api/v1/tasks/claim", {"task_id": task, "agent": "claude"}).json
    world.keys["claimed"] = claimed["key"]

    assert 403 == world.call("claimed", "GET", f"/api/v1/tasks/{task}").status_code
    assert (
        200 == world.call("claimed", "POST", f"/api/v1/assignments/{claimed['id']}/heartbeat", {"fence": 1}).status_code
    )
