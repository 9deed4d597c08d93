"""`Idempotency-Key`: sent again, done once, answered alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nexus_core import Nexus
from nexus_core.domain.answers import Attempt
from nexus_core.errors import AnswerLost, InFlight
from nexus_core.testing import FrozenClock
from nexus_http.sealing import seal, unseal

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def test_a_repetition_is_answered_as_before(api):
    """Status, body, ETag and Location are those of the first answer, and the header says that it is one; one task."""
    first, again = (api.post("/tasks", {"title": "once"}, headers=KEY) for _ in range(2))

    assert (201, first.status_code, first.content) == (first.status_code, again.status_code, again.content)
    assert (None, "true") == (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"])
    assert [first.headers[name] for name in ("ETag", "Location")] == [again.headers[n] for n in ("ETag", "Location")]
    assert 1 == len(api.get("/tasks").json["items"])


def test_a_refusal_is_repeated_too(api):
    """A 404 with its request's id, also once there is what was missing."""
    first = api.post("/agents/assign", {"task_id": 1}, headers=KEY)
    api.task()
    again = api.post("/agents/assign", {"task_id": 1}, headers=KEY)

    assert (404, first.json) == (again.status_code, again.json)


@pytest.mark.parametrize(("path", "body"), [("/tasks", {"title": "other"}), ("/keys", {"title": "once"})])
def test_the_key_of_another_request_is_refused(api, path, body):
    """422: another body, another address."""
    api.post("/tasks", {"title": "once"}, headers=KEY)
    refused = api.post(path, body, headers=KEY)

    assert (422, "idempotency_key_reused") == (refused.status_code, refused.json["code"])


def test_the_same_key_of_somebody_else_is_another(api, client, nexus):
    """Two users may choose the same key, and neither sees the other's answer."""
    other = type(api)(client, nexus.keys.create("other", role="developer").secret)
    ids = [one.post("/tasks", {"title": "mine"}, headers=KEY).json["id"] for one in (api, other, api, other)]

    assert [1, 2, 1, 2] == ids


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\u00e9", "\t"])
def test_what_is_no_key_is_refused(api, key):
    """400, naming the header; nothing is done."""
    refused = api.post("/tasks", {"title": "x"}, headers={"Idempotency-Key": key})

    assert (400, "Idempotency-Key") == (refused.status_code, refused.json["errors"][0]["pointer"])
    assert [] == api.get("/tasks").json["items"]


def test_all_visible_characters_make_a_key(api):
    """255 of them at most."""
    for key in ("!", "~" * 255, "{}|\\\"'<>"):
        assert 201 == api.post("/tasks", {"title": "x"}, headers={"Idempotency-Key": key}).status_code


def test_a_key_that_was_shown_is_shown_again_and_stored_nowhere(api, nexus, config):
    """The answer to `POST /keys` and to a claim, to whoever has both keys; the database holds neither in clear."""
    api.task()
    claim = {"agent": "claude"}
    pairs = [
        [api.post(path, body, headers=KEY | {"Idempotency-Key": path}).json["key"] for _ in range(2)]
        for path, body in (("/keys", {"name": "ci", "role": "viewer"}), ("/tasks/claim", claim))
    ]
    stored = b"".join(path.read_bytes() for path in config.data_dir.glob("nexus.db*"))

    assert all(first.startswith("nxs_") and first == again for first, again in pairs)
    assert not any(key.encode() in stored for pair in pairs for key in pair)
    assert KEY["Idempotency-Key"].encode() not in stored


def test_reads_and_webhooks_know_no_key(api, anonymous):
    """The header means nothing there, whatever it holds."""
    bad = {"Idempotency-Key": ""}

    assert 200 == api.get("/tasks", headers=bad).status_code
    assert 401 == anonymous.call("POST", "/webhooks/probe", headers=bad).status_code


def test_changes_and_removals_are_repeated_too(api):
    """A PATCH whose version has passed by its own first time, and a DELETE."""
    task = api.task()
    patches = [
        api.patch(f"/tasks/{task['id']}", {"title": "new"}, headers=KEY | {"If-Match": '"1"'}).status_code for _ in "12"
    ]
    made = api.post("/keys", {"name": "x", "role": "viewer"}).json
    gone = [api.call("DELETE", f"/keys/{made['id']}", headers={"Idempotency-Key": "del"}) for _ in "12"]

    assert [200, 200] == patches
    assert [204, 204, "true"] == [*(one.status_code for one in gone), gone[1].headers["Idempotency-Replayed"]]


def test_fifty_at_once_make_one(api):
    """One answers 201, the others the same or 409 with a time to come again; repeated, all answer alike."""

    def post(_: int) -> object:
        return api.post("/tasks", {"title": "once"}, headers=KEY)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))
        later = list(pool.map(post, range(50)))

    assert {201} < {answer.status_code for answer in answers} | {409} == {201, 409}
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 409)
    assert {(201, 1)} == {(answer.status_code, answer.json["id"]) for answer in later}
    assert 1 == len(api.get("/tasks").json["items"])


def test_fifty_changes_of_one_version_make_one(api):
    """Exactly one succeeds; the others hear 412."""
    task = api.task()

    def patch(number: int) -> int:
        return api.patch(f"/tasks/{task['id']}", {"title": f"t{number}"}, headers={"If-Match": '"1"'}).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = sorted(pool.map(patch, range(50)))

    assert [200, *[412] * 49] == statuses


def test_who_died_at_work_is_succeeded(config):
    """After a minute another try may begin, unless the first took effect; then nobody does it again."""
    clock = FrozenClock()
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, clock=clock) as nexus:
        first, second = (Attempt("key:1", "k", "f", token) for token in "ab")
        nexus.answers.begin(first)
        with pytest.raises(InFlight):
            nexus.answers.begin(second)
        clock.advance(minutes=1)
        assert nexus.answers.begin(second) is None
        with nexus.answers.applying(first), pytest.raises(InFlight):
            nexus.tasks.create("by the dead")  # it was not dead after all, but too late
        with nexus.answers.applying(second):
            nexus.tasks.create("by the second")
        clock.advance(minutes=1)
        with pytest.raises(AnswerLost):
            nexus.answers.begin(first)

        assert ["by the second"] == [task.title for task in nexus.tasks.list().items]


def test_what_failed_without_effect_may_be_tried_again(config):
    """And what failed after it took effect keeps its answer."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False) as nexus:
        attempt = Attempt("key:1", "k", "f", "a")
        nexus.answers.begin(attempt)
        nexus.answers.fail(attempt, 503, b"")
        assert nexus.answers.begin(attempt) is None
        with nexus.answers.applying(attempt):
            nexus.tasks.create("done")
        nexus.answers.fail(attempt, 500, b"it broke")

        assert (500, b"it broke") == ((known := nexus.answers.begin(attempt)).status, known.answer)


def test_answers_are_kept_a_day(config):
    """And forgotten then."""
    clock = FrozenClock()
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, clock=clock) as nexus:
        nexus.answers.begin(Attempt("key:1", "k", "f", "a"))
        clock.advance(hours=24)
        kept = nexus.answers.prune()
        clock.advance(seconds=1)

        assert (0, 1) == (kept, nexus.answers.prune())


def test_a_seal_opens_with_its_own_secret_alone():
    """Not with another, not altered, not in another order; the same text never looks the same."""
    sealed = seal(b"nxs_key", "Bearer x", "k")
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])

    assert b"nxs_key" == unseal(sealed, "Bearer x", "k")
    assert [None] * 4 == [
        unseal(sealed, "Bearer y", "k"), unseal(sealed, "k", "Bearer x"), unseal(altered, "Bearer x", "k"),
        unseal(b"", "Bearer x", "k"),
    ]  # fmt: skip
    assert sealed != seal(b"nxs_key", "Bearer x", "k")
