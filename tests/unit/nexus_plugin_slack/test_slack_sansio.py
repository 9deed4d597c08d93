"""Whether a request is Slack's, and what it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.errors import Invalid, Unauthenticated
from nexus_plugin_slack.sansio import SIGNATURE, TIMESTAMP, parse, sign, verify

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # published by Slack, in its documentation
PUBLISHED_AT = "1531420618"
PUBLISHED_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
PUBLISHED_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOW = datetime.fromtimestamp(int(PUBLISHED_AT), UTC)


def headers(timestamp=PUBLISHED_AT, signature=PUBLISHED_SIGNATURE):
    return {TIMESTAMP: timestamp, SIGNATURE: signature}


def signed(body, at=NOW, secret=SECRET):
    timestamp = str(int(at.timestamp()))
    return body, headers(timestamp, sign(body, timestamp, secret)), at


def receive(body, at=NOW, secret=SECRET):
    return verify(*signed(body, at, secret), (SECRET,))


def command(**fields):
    return urlencode({"command": "/nexus", "text": "next", "user_id": "U1", "team_id": "T1", **fields}).encode()


def press(**fields):
    action = {"action_id": "a", "action_ts": "1596530385.194939", "value": "v"} | fields.pop("action", {})
    payload = {"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "actions": [action]}
    return urlencode({"payload": json.dumps(payload | {"trigger_id": "1.2.x"} | fields)}).encode()


def test_published_command_is_accepted():
    """Slack's published example is a slash command of Slack's."""
    delivery = verify(PUBLISHED_BODY, headers(), NOW, (SECRET,))

    assert (delivery.source, delivery.kind, delivery.body) == ("slack", "slash_command", PUBLISHED_BODY)


def test_computed_url_verification_is_accepted():
    """The vector of a url_verification, computed with another implementation, is accepted."""
    body = b'{"type":"url_verification","challenge":"abc123","token":"x"}'
    signature = "v0=0cf110fdcbc30a7bef75f2d9647bf987726e17d48add803002c3d7ef3dfea70c"

    assert verify(body, headers(signature=signature), NOW, (SECRET,)).kind == "url_verification"


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_within_the_window(seconds):
    """Up to five minutes off, either way, is accepted."""
    assert verify(PUBLISHED_BODY, headers(), NOW + timedelta(seconds=seconds), (SECRET,))


@pytest.mark.parametrize("seconds", [-301, 301, 300.5, 86400])
def test_outside_the_window(seconds):
    """More than five minutes off is refused, although the signature is right."""
    with pytest.raises(Unauthenticated):
        verify(PUBLISHED_BODY, headers(), NOW + timedelta(seconds=seconds), (SECRET,))


HOSTILE_TIMESTAMPS = [
    "abc", "", "1.5", "-1", "9" * 5000, "+1531420618", " 1531420618", "1531420618 ", "1531420618\n",
    "0x5b4760ca", "١٥٣١٤٢٠٦١٨", "1531420618" * 2, "1531420618,1531420618", "1e9", "nan", "\x00", "\ud800",
    None,
]  # fmt: skip


@pytest.mark.parametrize("timestamp", HOSTILE_TIMESTAMPS, ids=lambda value: ascii(value)[:20])
def test_hostile_timestamp_is_refused(timestamp):
    """A timestamp that is none is refused, even with a signature made over that very text."""
    text = timestamp or ""
    signature = sign(PUBLISHED_BODY, text, SECRET) if "\ud800" not in text else PUBLISHED_SIGNATURE

    with pytest.raises(Unauthenticated):
        verify(PUBLISHED_BODY, headers(timestamp, signature), NOW, (SECRET,))


HOSTILE_SIGNATURES = [
    "", "v0=", "v0=é", PUBLISHED_SIGNATURE[:-1], PUBLISHED_SIGNATURE + "0", PUBLISHED_SIGNATURE.upper(),
    PUBLISHED_SIGNATURE.removeprefix("v0="), "v1" + PUBLISHED_SIGNATURE[2:], " " + PUBLISHED_SIGNATURE,
    PUBLISHED_SIGNATURE + "," + PUBLISHED_SIGNATURE, "v0=" + "0" * 64, "x" * 10_000, "v0=\udcff", "\x00",
    None, PUBLISHED_SIGNATURE[:-1] + "4",
]  # fmt: skip


@pytest.mark.parametrize("signature", HOSTILE_SIGNATURES, ids=lambda value: ascii(value)[:20])
def test_hostile_signature_is_refused(signature):
    """Every neighbour of the right signature is refused, and nothing but Unauthenticated is raised."""
    with pytest.raises(Unauthenticated):
        verify(PUBLISHED_BODY, headers(signature=signature), NOW, (SECRET,))


@pytest.mark.parametrize("missing", [TIMESTAMP, SIGNATURE])
def test_missing_header_is_refused(missing):
    """Half a signature is none."""
    kept = {name: value for name, value in headers().items() if name != missing}

    with pytest.raises(Unauthenticated):
        verify(PUBLISHED_BODY, kept, NOW, (SECRET,))


@pytest.mark.parametrize("body", [b"", PUBLISHED_BODY + b"&x=1", PUBLISHED_BODY[:-1], b"\xff\xfe\x00"])
def test_other_body_is_refused(body):
    """The signature of one body is not that of another."""
    with pytest.raises(Unauthenticated):
        verify(body, headers(), NOW, (SECRET,))


@given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=80))
def test_unsigned_is_always_refused(body, timestamp, signature):
    """Whatever is sent without the secret: Unauthenticated, and no other exception."""
    with pytest.raises(Unauthenticated):
        verify(body, headers(timestamp, signature), NOW, (SECRET,))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_signed_nonsense_is_invalid_at_worst(body):
    """Whatever Slack signs is a delivery or Invalid."""
    try:
        assert receive(body).id
    except Invalid as error:
        assert error.message


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5), st.data())
def test_signed_json_of_any_shape(leaf, data):
    """Any JSON in any place of a real body is a delivery or Invalid."""
    payload = json.loads(Path(DATA / "bolt-python__block_actions__3.json").read_text())
    key = data.draw(st.sampled_from(sorted(payload)))
    body = urlencode({"payload": json.dumps(payload | {key: leaf})}).encode()

    assert receive(body).kind


def test_no_secret_refuses_everything():
    """Without a configured secret nothing is Slack's, not even what an empty secret signs."""
    with pytest.raises(Unauthenticated):
        verify(*signed(PUBLISHED_BODY, secret=""), ())
    with pytest.raises(Unauthenticated):
        verify(b"ssl_check=1", {}, NOW, ())


def test_rotation_takes_both_secrets():
    """While one secret replaces another, what either signs is accepted."""
    both = ("a-new-secret-of-slack", SECRET)

    assert verify(*signed(PUBLISHED_BODY), both) == verify(*signed(PUBLISHED_BODY, secret=both[0]), both)


def test_signed_deep_json_is_invalid():
    """JSON that nests too deeply is refused as input, not as a crash."""
    with pytest.raises(Invalid):
        receive(b'{"a":' * 100_000)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"payload=%FF%FE",
        b"payload=[]",
        b"payload={",
        b"[]",
        b"a=b",
        b"",
        b'{"a": 1',
        b"&" * 500,
        b'{"type":"url_verification"}',
    ],
)
def test_signed_nonsense_is_invalid(body):
    """What Slack signed and still makes no sense is Invalid."""
    with pytest.raises(Invalid):
        receive(body)


def test_ssl_check_is_let_through_unsigned():
    """Slack's check of the certificate is unsigned; its content is dropped and its id is always the same."""
    first = verify(b"ssl_check=1&token=x", {}, NOW, (SECRET,))
    second = verify(b"token=y&ssl_check=1&text=next&command=%2Fnexus", {}, NOW, (SECRET,))

    assert (first.kind, first.id, first.body) == ("ssl_check", "ssl_check", b"")
    assert first == second


@pytest.mark.parametrize("body", [b"ssl_check=0", b"ssl_check=1&ssl_check=2", b"ssl_check=1" + b"&a=b" * 500, b"\xff"])
def test_other_unsigned_is_refused(body):
    """What is not that check needs a signature."""
    with pytest.raises(Unauthenticated):
        verify(body, {}, NOW, (SECRET,))


def test_retry_of_a_command_has_its_id():
    """Slack's second attempt at a command, signed anew, is the same delivery; another command is another."""
    first = receive(command(trigger_id="1.2.a"))

    assert first.id == receive(command(trigger_id="1.2.a"), NOW + timedelta(seconds=60)).id
    assert first.id != receive(command(trigger_id="1.2.b")).id


def test_command_without_trigger_goes_by_its_signature():
    """Without a trigger, the very same request is the same delivery, and one signed later is another."""
    first = receive(command())

    assert first.id == receive(command()).id
    assert first.id != receive(command(), NOW + timedelta(seconds=1)).id


def test_press_is_one_by_person_message_and_time():
    """A press repeated with a new trigger is the same delivery; another person's or moment's is not."""
    first = receive(press())
    others = [
        press(user={"id": "U2"}),
        press(action={"action_ts": "2.2"}),
        press(container={"message_ts": "9.9"}),
    ]

    assert first.id == receive(press(trigger_id="9.9.y"), NOW + timedelta(seconds=9)).id
    assert len({first.id, *(receive(other).id for other in others)}) == 4


def test_event_goes_by_its_event_id():
    """Events carry an id of their own; a retry has the same."""
    body = json.dumps({"type": "event_callback", "event_id": "Ev111", "event": {"type": "app_mention"}}).encode()

    assert (receive(body).id, receive(body).kind) == ("event:Ev111", "event.app_mention")


def test_presses_on_one_message_come_in_order():
    """The subject of a press is its message, so that presses on it are handled in order."""
    assert receive(press(channel={"id": "C1"}, container={"message_ts": "1.5"})).subject == "C1:1.5"


def test_only_harmless_headers_are_kept():
    """Of the headers, only what helps to understand the delivery is stored."""
    body, given_headers, at = signed(PUBLISHED_BODY)
    more = {"x-slack-retry-num": "1", "authorization": "x", "content-type": "a\nb"}

    assert verify(body, given_headers | more, at, (SECRET,)).headers == {"x-slack-retry-num": "1"}


DATA = Path(__file__).parent / "data"
BODIES = sorted(path for path in DATA.glob("*.json"))


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_real_bodies_are_understood(path):
    """Bodies of Slack's own test suite parse, as JSON and as an interaction's payload."""
    text = path.read_text()
    kind = path.stem.split("__")[1]
    as_json, as_payload = parse(text.encode()), parse(urlencode({"payload": text}).encode())

    expected = {"event_None": "event.unknown"}.get(kind, kind.replace("event_", "event.", 1))
    assert expected.startswith(as_json.kind) or kind == "slash_command"
    assert as_payload.data == as_json.data


def test_real_command_form():
    """The form of Slack's own test suite is a command with its person, workspace and channel."""
    request = parse((DATA / "bolt-python__slash_command__1.form").read_bytes())

    assert (
        request.kind, request.user, request.team, request.channel, request.text("text"),
    ) == ("slash_command", "W111", "T111", "C111", "Hi")  # fmt: skip
