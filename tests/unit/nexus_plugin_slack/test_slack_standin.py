"""The stand-in sends what Slack would send: our verification, written apart from it, takes it."""

from __future__ import annotations

from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from nexus_core.errors import Unauthenticated
from nexus_demo.standins.slack import signed_command, signed_press
from nexus_plugin_slack.sansio import parse, verify

SECRET = "a-signing-secret-of-slack"


@pytest.fixture
def door():
    """A server that verifies what it gets and answers 200 with the kind, or 401."""
    received = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                received.append((self.path, verify(body, headers, datetime.now(UTC), (SECRET,))))
                status, answer = 200, b'{"ok": true}'
            except Unauthenticated as error:
                status, answer = 401, error.message.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", received
    server.shutdown()
    server.server_close()
    thread.join()


def test_signed_command_is_taken(door):
    """A command of the stand-in passes as Slack's, with its text and its person."""
    url, received = door
    answer = signed_command(url, SECRET, "next acme/api", user="U7")
    [(path, delivery)] = received
    request = parse(delivery.body)

    assert answer == (200, {"ok": True})
    assert (path, delivery.kind, request.text("text"), request.user) == (
        "/api/v1/webhooks/slack", "slash_command", "next acme/api", "U7",
    )  # fmt: skip


def test_signed_press_is_taken(door):
    """A press of the stand-in passes as Slack's, with the button's value."""
    url, received = door
    button = {"type": "button", "action_id": "a", "value": "v", "text": {"type": "plain_text", "text": "A"}}
    signed_press(url, SECRET, {"ts": "1.5", "channel": "C1"}, button)
    [(_, delivery)] = received
    request = parse(delivery.body)

    assert (delivery.kind, delivery.subject) == ("block_actions", "C1:1.5")
    assert [action["value"] for action in request.actions] == ["v"]


def test_other_secret_is_refused(door):
    """What another secret signs comes back as the hub's refusal, status and text."""
    url, received = door

    assert signed_command(url, "another", "next") == (401, "the signature is wrong")
    assert received == []
