"""Events and webhooks over HTTP."""

import threading
import time

import pytest

from nexus_http import waiting
from nexus_http.operations import FILE_LIMIT


@pytest.fixture(autouse=True)
def _seats():
    """Each test begins with all places free, and leaves the process running."""
    waiting.limit_seats(4)
    waiting.stopping.clear()
    yield
    waiting.stopping.clear()


def test_the_feed_goes_on_after_an_id(api):
    """By type, by task, in pages."""
    api.task("a")
    api.task("b")
    created = api.get("/events?type=task.created").json["items"]
    rest = api.get(f"/events?type=task.*&after={created[0]['id']}&limit=200").json["items"]

    assert [1, 2] == [event["task_id"] for event in created]
    assert created[1]["id"] in [event["id"] for event in rest]
    assert {2} == {event["task_id"] for event in api.get("/events?task=NX-2").json["items"]}


def test_the_feed_is_walked_by_its_cursor(api):
    """Every event once."""
    for number in range(4):
        api.task(f"task {number}")
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/events?limit=3{cursor and f'&cursor={cursor}'}").json
        found += [event["id"] for event in page["items"]]
        cursor = page["next_cursor"]

    assert [event["id"] for event in api.get("/events?limit=200").json["items"]] == found


def test_the_latest_events_are_asked_for(api):
    """`newest` gives the end of the feed."""
    api.task("a")
    api.task("b")

    assert 2 == api.get("/events?type=task.created&newest=true&limit=1").json["items"][-1]["task_id"]


def test_a_long_poll_is_answered_by_the_first_event(api, nexus):
    """Well before its time is over."""
    last = api.get("/events?limit=200").json["items"][-1]["id"]
    timer = threading.Timer(0.3, lambda: nexus.tasks.create("late"))
    timer.start()
    began = time.monotonic()
    found = api.get(f"/events?after={last}&wait=20").json["items"]
    timer.join()

    assert "task.created" == found[0]["type"]
    assert time.monotonic() - began < 10


def test_a_long_poll_ends_empty(api):
    """After the seconds that it asked for; more than 25 are refused."""
    began = time.monotonic()

    assert [] == api.get("/events?after=999999&wait=1").json["items"]
    assert 1 <= time.monotonic() - began < 5
    assert 400 == api.get("/events?wait=26").status_code


def test_who_waits_is_answered_when_the_server_stops(api):
    """At once."""
    threading.Timer(0.3, waiting.stopping.set).start()
    began = time.monotonic()

    assert [] == api.get("/events?after=999999&wait=20").json["items"]
    assert time.monotonic() - began < 5


def test_only_some_may_wait(api):
    """Whoever comes too many is answered at once, so that threads are left for others; a stream is a 503."""
    waiting.limit_seats(1)
    with waiting.seat():
        began = time.monotonic()
        assert [] == api.get("/events?after=999999&wait=20").json["items"]
        assert 503 == api.get("/events/stream").status_code

    assert time.monotonic() - began < 5
    assert waiting.take_seat()


def _stream(api, stop_after=0.6, **headers):
    threading.Timer(stop_after, waiting.stopping.set).start()
    return api.get("/events/stream", headers=headers)


def test_a_stream_goes_on_where_the_client_was(api):
    """`Last-Event-ID` and the event's own id; each event by its type, as JSON."""
    api.task("a")
    api.task("b")
    first, second = api.get("/events?type=task.created").json["items"]
    answer = _stream(api, **{"Last-Event-ID": str(first["id"])})

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert f"id: {second['id']}\nevent: task.created\ndata: {{" in answer.text
    assert f"id: {first['id']}\n" not in answer.text


def test_a_stream_begins_now(api):
    """Without a place to begin it tells only what happens from now on; its place is free again at its end."""
    waiting.limit_seats(1)
    api.task("a")
    answer = _stream(api)

    assert "task.created" not in answer.text
    assert waiting.take_seat()


def test_who_asks_for_the_head_of_a_stream_takes_no_place(api):
    """There is no body whose end could give it back."""
    waiting.limit_seats(1)
    answers = [api.call("HEAD", "/events/stream") for _ in range(2)]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert answers[0].headers["content-type"].startswith("text/event-stream")
    assert 0 == waiting.seated()


def test_a_place_that_is_none_is_refused(api):
    """400 for a Last-Event-ID of another feed."""
    assert 400 == api.get("/events/stream", headers={"Last-Event-ID": "abc"}).status_code


def _deliver(anonymous, body=b"{}", secret="right", number="1", **more):
    headers = {"X-Probe-Secret": secret, "X-Probe-Id": number, **more.pop("headers", {})}
    return anonymous.client.simulate_post("/api/v1/webhooks/probe", body=body, headers=headers, **more)


def test_a_webhook_is_stored_once(anonymous, api):
    """202 with its id; the same again is a duplicate."""
    assert (202, {"id": 1, "duplicate": False, "spooled": False}) == (
        (answer := _deliver(anonymous)).status_code,
        answer.json,
    )
    assert (202, {"id": 1, "duplicate": True, "spooled": False}) == (
        (again := _deliver(anonymous)).status_code,
        again.json,
    )
    assert [("probe", "ping")] == [(one["source"], one["kind"]) for one in api.get("/deliveries").json["items"]]


def test_a_wrong_signature_is_refused(anonymous, api):
    """401, nothing stored, and an event."""
    assert 401 == _deliver(anonymous, secret="wrong").status_code
    assert [] == api.get("/deliveries").json["items"]
    assert ["probe"] == [one["payload"]["source"] for one in api.get("/events?type=delivery.refused").json["items"]]


@pytest.mark.parametrize(
    ("body", "media", "text"), [(b"json", "application/json", '{"ok":true}'), (b"text", "text/plain", "hello")]
)
def test_a_source_may_answer_itself(anonymous, body, media, text):
    """Such as Slack to a slash command: JSON or text."""
    answer = _deliver(anonymous, body)

    assert (200, media, text) == (answer.status_code, answer.headers["content-type"], answer.text.replace(" ", ""))


def test_a_source_that_nobody_receives_is_not_found(anonymous):
    """404."""
    assert 404 == anonymous.post("/webhooks/nobody", {}).status_code


def test_a_webhook_may_be_of_any_type_but_not_packed_or_huge(anonymous):
    """25 MiB from the length alone; gzip would have another signature."""
    form = {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}

    assert 202 == _deliver(anonymous, b"a=b", **form).status_code
    assert 415 == _deliver(anonymous, headers={"Content-Encoding": "gzip"}).status_code
    assert 413 == _deliver(anonymous, headers={"Content-Length": str(FILE_LIMIT + 1)}).status_code


def test_a_delivery_is_handled_again(anonymous, api):
    """202; a viewer may look but not replay."""
    _deliver(anonymous)

    assert 202 == api.post("/deliveries/1/replay").status_code
    assert 1 == len(api.get("/events?type=delivery.replayed").json["items"])
    assert "probe" == api.get("/deliveries/1").json["source"]


def test_a_revoked_key_follows_no_longer(api, nexus, client):
    """Who waits for events when the key is revoked is told so within a second, not when the wait ends."""
    key = nexus.keys.create("follower", role="viewer")
    answers = []

    def follow():
        headers = {"Authorization": f"Bearer {key.secret}"}
        answers.append(client.simulate_get("/api/v1/events?after=999999&wait=20", headers=headers))

    waiter = threading.Thread(target=follow)
    waiter.start()
    time.sleep(0.2)
    nexus.keys.revoke(key.key.id)
    revoked_at = time.monotonic()
    waiter.join(15)

    assert [401] == [answer.status_code for answer in answers]
    assert time.monotonic() - revoked_at < 5
