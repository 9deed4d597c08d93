"""The other commands, on a real store in this process."""

import json
from datetime import UTC, datetime

import pytest

from nexus_core.domain.jobs import NewJob
from nexus_core.nexus import Nexus

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def held(nexus):
    """A task that the agent a holds; its assignment."""
    nexus("task", "add", "One", "--repo", "all")
    return nexus("task", "claim", "--agent", "a", "--json").document


def test_a_key_is_shown_once(nexus):
    """The list has its name and not its secret."""
    made = nexus("key", "create", "ci", "--role", "viewer", "--expires", "90d")
    secret = made.out.splitlines()[0]

    assert secret.startswith("nxs_")
    assert secret not in nexus("key", "list", "--json").out and "ci" in nexus("key", "list").out


def test_a_key_needs_to_know_what_it_may(nexus):
    """Neither a role nor scopes, or both, is bad usage."""
    assert 2 == nexus("key", "create", "ci").code
    assert 2 == nexus("key", "create", "ci", "--role", "viewer", "--scope", "tasks:read").code


@pytest.mark.parametrize("time", ["soon", "90x"])
def test_a_time_that_is_none_is_bad_usage(nexus, time):
    """It says how to write one."""
    ran = nexus("key", "create", "ci", "--role", "viewer", "--expires", time)

    assert 2 == ran.code
    assert "write 90d, 12h or 2027-01-31" in ran.err


def test_a_key_may_be_narrowed_and_revoked(nexus, monkeypatch):
    """Repositories are named, not numbered; what is revoked is refused."""
    repository = nexus("repo", "add", "acme/api", "--json").document
    made = nexus("key", "create", "ci", "--scope", "tasks:read", "--repo", "acme/api", "--json").document
    revoked = nexus("key", "revoke", str(made["id"]), "--json")
    monkeypatch.setenv("NEXUS_TOKEN", made["key"])

    assert ([repository["id"]], None) == (made["repositories"], revoked.document)
    assert 5 == nexus("task", "list").code


def test_repositories_are_found_by_name(nexus):
    """Whatever the case; what is not there says how to add it."""
    nexus("repo", "add", "acme/api")

    assert "acme/api" == nexus("repo", "show", "ACME/API", "--json").document["name"]
    assert (3, True) == (
        nexus("repo", "show", "acme/x").code,
        "nexus repo add acme/x" in nexus("repo", "sync", "acme/x").err,
    )


def test_runs_are_listed_and_ended(nexus, held):
    """A cancelled assignment sets its task free."""
    live = nexus("agent", "runs", "--live", "--json").document["items"]
    nexus("agent", "cancel", str(held["id"]), "--reason", "Not now")

    assert [held["id"]] == [run["id"] for run in live]
    assert "One" == nexus("task", "next", "--json").document["task"]["title"]


def test_a_question_is_answered_once(nexus, held):
    """It waits in the inbox with its choices; the second answer is 4."""
    from nexus_core import Nexus

    with Nexus.open() as hub:
        hub.assignments.add_activity(held["id"], held["fence"], "elicitation", "Which one?", choices=("left", "right"))
    question = nexus("inbox", "--json").document["items"][0]

    assert ["left", "right"] == question["choices"]
    assert 0 == nexus("inbox", "answer", str(question["id"]), "left").code
    assert 4 == nexus("inbox", "answer", str(question["id"]), "right").code
    assert "Which one? [left | right] → left" in nexus("agent", "log", str(held["id"])).out


def test_people_are_invited_and_given_roles_by_login(nexus):
    """The login is enough."""
    nexus("user", "invite", "octocat")

    assert "admin" == nexus("user", "role", "OctoCat", "admin", "--json").document["role"]
    assert 3 == nexus("user", "role", "nobody", "admin").code


def test_events_are_told_in_their_order(nexus):
    """The latest ones, the oldest of them first; or those after one."""
    for title in ("one", "two", "three"):
        nexus("task", "add", title)
    latest = [event["id"] for event in nexus("events", "--limit", "4", "--json").document["items"]]
    after = nexus("events", "--after", str(latest[0]), "--json").document["items"]

    assert 4 == len(latest) and sorted(latest) == latest
    assert latest[1:] == [event["id"] for event in after]


def test_dead_jobs_alone_can_be_retried(nexus):
    """A job that is not there is 3."""
    assert 3 == nexus("jobs", "retry", "99").code


def _dead(tmp_path, *kinds):
    """Jobs that were given up."""
    with Nexus.open(data_dir=tmp_path / "data", load_plugins=False) as hub, hub.store.writing() as tx:
        for kind in kinds:
            tx.jobs.add(NewJob(kind=kind), NOW)
        for job in tx.jobs.claim(["default"], limit=9, worker="w", now=NOW, until=NOW):
            tx.jobs.kill(job, "poison", NOW)


def test_lanes_are_told(nexus, tmp_path):
    """Each of them, with what is dead in it."""
    _dead(tmp_path, "post", "pull")
    lanes = nexus("jobs", "lanes", "--json").document["items"]

    assert {"default": 2, "agents": 0, "docs": 0, "notify": 0} == {lane["lane"]: lane["dead"] for lane in lanes}
    assert all(lane in nexus("jobs", "lanes").out for lane in ("default", "agents", "docs", "notify"))


def test_a_repository_whose_host_nobody_knows_is_added_and_says_so(nexus):
    """There is nobody here who would look at it; without a look nothing is said."""
    told = nexus("repo", "add", "acme/api", "--url", "https://git.example/acme/api.git")
    silent = nexus("repo", "add", "acme/web", "--url", "https://git.example/acme/web.git", "--no-check", "--json")

    assert "not connected: no installed plugin knows the host" in told.out
    assert silent.document["connection"] is None
    assert "not connected" in nexus("repo", "connect", "acme/web").out
    assert nexus("repo", "connect", "acme/web", "--json").document["reachable"] is False


def test_dead_jobs_are_retried_together(nexus, tmp_path):
    """Those of a kind, then all; then there are none."""
    _dead(tmp_path, "post", "post", "pull")
    dead = [job["id"] for job in nexus("jobs", "--state", "dead", "--json").document["items"]]
    some = nexus("jobs", "retry", "--dead", "--kind", "post", "--json").document["retried"]
    rest = nexus("jobs", "retry", "--dead", "--json").document["retried"]

    assert (3, dead[:2], dead[2:]) == (len(dead), some, rest)
    assert "No job is dead.\n" == nexus("jobs", "retry", "--dead").out
    assert ["pending"] * 3 == [nexus("jobs", "--json").document["items"][place]["state"] for place in range(3)]


@pytest.mark.parametrize("words", [[], ["7", "--dead"], ["7", "--lane", "docs"], ["--kind", "k"]])
def test_which_jobs_are_retried_is_said_clearly(nexus, words):
    """One, or all that are dead; 2 otherwise, with what to say."""
    ran = nexus("jobs", "retry", *words)

    assert 2 == ran.code and "--dead" in ran.err


def test_documents_are_shown_or_written(nexus, tmp_path):
    """Below the folder, by their paths."""
    nexus("repo", "add", "acme/api")
    shown = nexus("docs", "render", "--repo", "acme/api", "--json").document["items"]
    nexus("docs", "render", "--repo", "acme/api", "--output", str(tmp_path / "out"))

    assert shown
    assert all((tmp_path / "out" / one["path"]).read_text() == one["content"] for one in shown)


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil", "a/../../evil"])
def test_a_document_never_leaves_its_folder(nexus, server, tmp_path, path):
    """A server that names a path outside is refused."""
    server.answer("GET", "/repositories/1/documents", {"items": [{"path": path, "content": "x"}], "next_cursor": None})
    ran = nexus("docs", "render", "--repo", "1", "--output", str(tmp_path / "out"), "--server", server.url)

    assert 2 == ran.code
    assert not (tmp_path / "evil").exists() and not (tmp_path / "out").exists()


def test_doctor_fails_when_a_check_does(nexus, server):
    """Exit code 1, with what was found."""
    checks = [{"name": "a", "ok": True, "message": "fine"}, {"name": "b", "ok": False, "message": "no broker"}]
    server.answer("GET", "/doctor", {"items": checks, "next_cursor": None})
    ran = nexus("doctor", "--server", server.url)

    assert 1 == ran.code
    assert "wrong\tb\tno broker" in ran.out


def test_the_configuration_says_where_values_come_from_and_masks_secrets(nexus, tmp_path, monkeypatch):
    """A password in an address, a token and a plugin's secret are not shown."""
    (tmp_path / "nexus.toml").write_text(
        'broker_url = "amqp://nexus:hunter2@localhost/"\n[plugins.github]\nwebhook_secret = "hunter3-hunter3-hunter3"\n'
    )
    monkeypatch.setenv("NEXUS_CONFIG", str(tmp_path / "nexus.toml"))
    monkeypatch.setenv("NEXUS_TOKEN", "hunter4")
    ran = nexus("config", "--json")
    shown = {one["key"]: (one["value"], one["origin"]) for one in ran.document["settings"]}

    assert ("amqp://nexus:********@localhost/", str(tmp_path / "nexus.toml")) == shown["broker_url"]
    assert ("********", "$NEXUS_TOKEN") == shown["token"]
    assert "hunter" not in ran.out + nexus("config").out


def test_migrate_says_what_it_did(nexus):
    """The first time it applies all; the second time nothing; a dry run changes nothing."""
    planned, done, again = (
        nexus("migrate", *flags, "--json").document["migrations"] for flags in (["--dry-run"], [], [])
    )

    assert planned and planned == done
    assert [] == again


def test_plugins_are_listed_with_what_they_add(nexus):
    """The in-process door is one of them."""
    assert "transports: in-process" in nexus("plugins").out


def test_whoami_says_what_one_may(nexus):
    """The owner of the data folder may do all."""
    assert "keys:write" in nexus("whoami", "--json").document["scopes"]


@pytest.mark.parametrize(
    "arguments",
    ["task list", "task next", "repo list", "agent list", "agent runs", "inbox", "user list", "key list", "events",
     "jobs", "whoami", "doctor", "config", "plugins", "migrate", "task graph", "task ready"],
)  # fmt: skip
def test_with_json_standard_output_is_one_document(nexus, arguments):
    """Whatever else is said goes to standard error."""
    assert isinstance(json.loads(nexus(*arguments.split(), "--json").out), dict)
