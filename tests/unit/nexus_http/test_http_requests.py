"""Around every request: bodies, headers, ids, and who is let in."""

import json
import logging

import pytest
from falcon import testing

from nexus_core import LOCAL, Nexus
from nexus_http.app import create_app
from nexus_http.hooks import nexus_commands, nexus_transports
from nexus_http.operations import MIB


def _raw(api, body, **headers):
    return api.client.simulate_post(
        "/api/v1/tasks", body=body, headers={"Authorization": f"Bearer {api.key}", **headers}
    )


@pytest.mark.parametrize(
    "media", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
)
def test_a_body_of_another_type_is_refused(api, media):
    """415, also without any type: a browser's cross-site request sends none."""
    headers = {"Content-Type": media} if media else {}

    assert 415 == _raw(api, '{"title": "x"}', **headers).status_code


def test_a_packed_body_is_refused(api):
    """415 for gzip."""
    assert 415 == _raw(api, b"x", **{"Content-Type": "application/json", "Content-Encoding": "gzip"}).status_code


def test_the_length_alone_decides_what_is_too_large(api):
    """1 MiB is read; one byte more is refused by its header."""
    filler = b'{"title": "x", "description": "' + b"d" * 100 + b'"}'
    fits = filler + b" " * (MIB - len(filler))
    headers = {"Content-Type": "application/json"}

    assert 201 == _raw(api, fits, **headers).status_code
    assert 413 == _raw(api, b"", **headers, **{"Content-Length": str(MIB + 1)}).status_code


def test_a_body_without_a_length_is_refused(api):
    """411 for chunks: they could not be capped before they are read."""
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    answer = api.client.simulate_post("/api/v1/tasks", headers=headers, extras=environ)

    assert 411 == answer.status_code


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"NaN", b'{"title":"x","title":"y"}', b'{"title":"\\u0000"}', b"\xff", b""]
)
def test_hostile_json_is_bad_input(api, body):
    """400, never 500."""
    answer = _raw(api, body, **{"Content-Type": "application/json"})

    assert (400, "invalid") == (answer.status_code, answer.json["code"])


def test_a_short_body_is_bad_input(api):
    """A lie in Content-Length does not hang or break anything."""
    answer = _raw(api, b'{"title":"x"}', **{"Content-Type": "application/json", "Content-Length": "50"})

    assert 400 == answer.status_code


def test_every_answer_carries_the_security_headers(anonymous):
    """Also errors."""
    headers = anonymous.get("/nowhere").headers

    assert ("nosniff", "no-store", "no-referrer") == (
        headers["x-content-type-options"], headers["cache-control"], headers["referrer-policy"]
    )  # fmt: skip
    assert "default-src 'none'" in headers["content-security-policy"]


def test_hsts_is_sent_where_the_public_address_is_https(nexus):
    """And nowhere else: it would lock a plain server out."""
    nexus.config = nexus.config.replace(public_url="https://nexus.example")

    assert "strict-transport-security" in testing.TestClient(create_app(nexus)).simulate_get("/healthz").headers


@pytest.mark.parametrize(("given", "kept"), [("abc-1", True), ("a\tb", False), ("x" * 65, False), ("é", False)])
def test_a_sane_request_id_is_kept(anonymous, given, kept):
    """Any other is replaced, so that nobody writes into our log."""
    answer = anonymous.get("/nowhere", headers={"X-Request-Id": given})

    assert kept == (given == answer.headers["x-request-id"] == answer.json["request_id"])


def test_a_request_is_one_line_in_the_log(api, caplog):
    """JSON, without query and key."""
    with caplog.at_level(logging.INFO, "nexus.http.access"):
        api.get("/tasks?q=secret")
    line = json.loads(caplog.messages[-1])

    assert ("GET", "/api/v1/tasks", 200, "key:admin") == (line["method"], line["path"], line["status"], line["actor"])
    assert "secret" not in caplog.text and api.key not in caplog.text


def test_head_is_get_without_a_body(api):
    """The same status and headers."""
    api.task()
    answer = api.call("HEAD", "/tasks/1")

    assert (200, '"1"', b"") == (answer.status_code, answer.headers["etag"], answer.content)


@pytest.mark.parametrize(
    "header", [None, "Basic abc", "Bearer", "Bearer ", "Bearer nxs_key_wrong", "nxs_key_x", "Bearer é"]
)
def test_who_brings_no_good_key_is_refused_and_recorded(anonymous, nexus, header):
    """401, and an event that names address and path."""
    answer = anonymous.get("/tasks", headers={"Authorization": header} if header else {})
    event = nexus.events.list(type="access.refused")[-1]

    assert (401, "unauthenticated") == (answer.status_code, answer.json["code"])
    assert ("GET", "/api/v1/tasks", "127.0.0.1") == tuple(event.payload[name] for name in ("method", "path", "address"))


def test_who_lacks_the_scope_is_refused_and_recorded(viewer, nexus):
    """403 naming the scope; the event names the key."""
    answer = viewer.post("/tasks", {"title": "x"})
    event = nexus.events.list(type="access.refused")[-1]

    assert (403, "tasks:write", "viewer") == (answer.status_code, answer.json["scope"], event.actor_name)


def test_a_revoked_key_is_refused_at_once(api, nexus):
    """It looks like an unknown one."""
    made = api.post("/keys", {"name": "x", "role": "viewer"}).json
    assert 204 == api.call("DELETE", f"/keys/{made['id']}").status_code

    headers = {"Authorization": f"Bearer {made['key']}"}
    assert 401 == api.client.simulate_get("/api/v1/tasks", headers=headers).status_code


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "Token"])
def test_a_key_in_the_address_is_refused(api, name):
    """400: it would stand in every log on the way."""
    assert 400 == api.get(f"/tasks?{name}={api.key}").status_code


def test_refusals_are_recorded_up_to_a_limit(anonymous, nexus):
    """Anybody can cause them, so they must not fill the table."""
    for _ in range(70):
        anonymous.get("/tasks")

    assert 60 >= len(nexus.events.list(type="access.refused", limit=200))


def test_what_is_not_of_your_repositories_does_not_exist(api, nexus):
    """404, not 403, for a key that is narrowed to others."""
    mine, theirs = (nexus.repositories.add(name).id for name in ("acme/mine", "acme/theirs"))
    task = api.task(repository=theirs)["id"]
    key = api.post("/keys", {"name": "n", "role": "developer", "repositories": [mine]}).json["key"]
    headers = {"Authorization": f"Bearer {key}"}

    assert 404 == api.client.simulate_get(f"/api/v1/tasks/{task}", headers=headers).status_code
    assert [] == api.client.simulate_get("/api/v1/tasks", headers=headers).json["items"]


def test_nobody_makes_a_key_that_may_more(nexus, client):
    """`keys:write` alone does not make an admin."""
    key = nexus.keys.create("minter", scopes=["keys:write"]).secret
    body = json.dumps({"name": "x", "role": "admin"})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    assert 403 == client.simulate_post("/api/v1/keys", body=body, headers=headers).status_code


def test_in_process_the_owner_of_the_folder_acts(nexus):
    """The transport needs no key, and takes one where it is given."""
    (transport,) = nexus_transports()
    client = testing.TestClient(transport.open(nexus))

    assert LOCAL.name == client.simulate_get("/api/v1/me").json["name"]
    assert 401 == client.simulate_get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code


def test_a_server_takes_no_actor_from_its_environment(client):
    """What the in-process transport may, a header or a variable must not."""
    answer = client.simulate_get("/api/v1/me", extras={"nexus.actor": LOCAL}, headers={"Nexus.Actor": "local"})

    assert 401 == answer.status_code


def test_other_origins_may_ask_where_they_are_listed(config):
    """CORS is off otherwise."""
    config.data_dir.mkdir(parents=True)
    origin = {"Origin": "https://ui.example"}
    with Nexus.open(config.replace(cors_origins=("https://ui.example",)), load_plugins=False) as nexus:
        allowed = testing.TestClient(create_app(nexus)).simulate_get("/healthz", headers=origin).headers
    with Nexus.open(config, load_plugins=False) as nexus:
        refused = testing.TestClient(create_app(nexus)).simulate_get("/healthz", headers=origin).headers

    assert "https://ui.example" == allowed["access-control-allow-origin"]
    assert "access-control-allow-origin" not in refused


def test_the_command_is_yielded_without_click():
    """hooks.py is imported at every start of the CLI."""
    (command,) = nexus_commands()

    assert ("serve", "serve") == (command.name, command.load().name)
