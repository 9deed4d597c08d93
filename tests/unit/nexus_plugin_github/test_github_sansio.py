"""Signatures over raw bytes, and what a delivery says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.errors import Invalid, Unauthenticated
from nexus_plugin_github.sansio import check_signature, sign, subject_of, verify

SECRET = b"It's a Secret to Everybody"
HELLO = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
PAYLOADS = json.loads((Path(__file__).parent / "payloads.json").read_text("utf-8"))

VECTORS = [
    (b"Hello, World!", HELLO),
    (b"", "sha256=66a0c074deaa0f489ead6537e0d32f9a344b90bbeda705b6ed45ecd3b413fb40"),
    (
        b'{"zen":"Design for failure.","hook_id":1}',
        "sha256=65cf1e1aeb36f098c67ba0ea5421c7ce1f94fd30c73bb51911a847c2e3480f52",
    ),
    (
        '{"t":"café 😀"}'.encode(),
        "sha256=d4c41f77df4cc8ac4eeeb0e286586a177eed1692d87e5c495d6f19e8c7d9c290",
    ),
    (b"\xff\xfe\x00", "sha256=e613c2bc219ee993974f32b29becea173b61d355bd32b7794c1ebf250a139ebd"),
]

HOSTILE = [
    None,
    "",
    "sha256=",
    "sha256=é",
    "sha256=" + "é" * 64,
    "sha256=" + "٣" * 64,
    HELLO + "\n",
    " " + HELLO,
    HELLO.upper(),
    HELLO[:-1],
    HELLO + "0",
    HELLO.replace("sha256", "sha1"),
    "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
    f"{HELLO},{HELLO}",
    "\udcff" * 71,
    "x" * 10_000,
]


def _verify(body: bytes, event: str = "ping", *, secret: bytes = SECRET, content_type: str = "") -> VerifiedDelivery:
    headers = {"x-hub-signature-256": sign(body, secret), "x-github-event": event}
    headers |= {"x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "content-type": content_type}
    return verify(body, headers, [SECRET])


@pytest.mark.parametrize(("body", "header"), VECTORS)
def test_published_vectors_are_accepted(body: bytes, header: str) -> None:
    """The signature that GitHub documents is the one that we compute and accept."""
    check_signature(body, header, [SECRET])

    assert header == sign(body, SECRET)


@pytest.mark.parametrize("header", HOSTILE, ids=repr)
def test_every_neighbour_of_a_signature_is_refused(header: str | None) -> None:
    """Whatever the header holds, the answer is `Unauthenticated` and never another error."""
    with pytest.raises(Unauthenticated):
        check_signature(b"Hello, World!", header, [SECRET])


@pytest.mark.parametrize("place", range(7, len(HELLO), 7))
def test_one_flipped_digit_is_refused(place: int) -> None:
    """A signature that is wrong in one digit is wrong."""
    flipped = HELLO[:place] + ("0" if HELLO[place] != "0" else "1") + HELLO[place + 1 :]

    with pytest.raises(Unauthenticated):
        check_signature(b"Hello, World!", flipped, [SECRET])


@given(header=st.text(max_size=100), body=st.binary(max_size=50))
def test_no_text_in_the_header_raises_another_error(header: str, body: bytes) -> None:
    """Anybody on the internet may send anything; it is refused, not crashed on."""
    with pytest.raises(Unauthenticated):
        check_signature(body, header, [SECRET])


def test_without_a_secret_everything_is_refused_with_the_remedy() -> None:
    """An unset secret closes the door, even for what is signed with an empty key, and says how to open it."""
    with pytest.raises(Unauthenticated, match="NEXUS_GITHUB_WEBHOOK_SECRET"):
        check_signature(b"x", sign(b"x", b""), [])


def test_old_and_new_secret_verify_while_they_are_rotated() -> None:
    """Every configured secret is tried."""
    for secret in (b"old old old old old", b"new new new new new"):
        check_signature(b"x", sign(b"x", secret), [b"old old old old old", b"new new new new new"])

    with pytest.raises(Unauthenticated):
        check_signature(b"x", sign(b"x", b"old old old old old"), [b"new new new new new"])


@pytest.mark.parametrize("missing", ["x-github-event", "x-github-delivery"])
@pytest.mark.parametrize("value", [None, "", "é", "a b", "x" * 300, "../x"])
def test_a_signed_body_without_its_headers_is_invalid(missing: str, value: str | None) -> None:
    """Without a name and an id there is nothing to store; the sender learns which header it is."""
    headers = {"x-hub-signature-256": sign(b"{}", SECRET), "x-github-event": "ping", "x-github-delivery": "1"}
    given_headers = {**headers, missing: value} if value is not None else headers
    if value is None:
        del given_headers[missing]

    with pytest.raises(Invalid, match=missing):
        verify(b"{}", given_headers, [SECRET])


@pytest.mark.parametrize(
    "body",
    [b"", b"Hello, World!", b"\xff\xfe\x00", b"[]", b"null", b"{", b"[" * 100_000, b'{"a": NaN}', b"{}{}"],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_a_signed_body_that_is_no_json_object_is_invalid(body: bytes) -> None:
    """It verifies, and is then refused as bad input; it is no crash."""
    with pytest.raises(Invalid):
        _verify(body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"action": "closed"}', "pull_request.closed"),
        (b"{}", "pull_request"),
        (b'{"action": ["closed"]}', "pull_request"),
        (b'{"action": "a.b"}', "pull_request"),
        (b'{"action": "' + b"x" * 500 + b'"}', "pull_request"),
    ],
)
def test_the_kind_is_event_and_action(body: bytes, kind: str) -> None:
    """An action that is no short word leaves the event alone."""
    assert kind == _verify(body, "pull_request").kind


def test_a_replay_is_recognised_by_body_and_event() -> None:
    """The fingerprint ignores the delivery's id, which is not signed, and tells events apart."""
    same, other = _verify(b"{}", "ping"), _verify(b"{}", "push")

    assert same.fingerprint == _verify(b"{}", "ping").fingerprint != other.fingerprint


def test_the_form_encoding_of_github_is_read() -> None:
    """GitHub's other content type carries the JSON in a field; the signature is over the whole form."""
    body = urlencode({"payload": json.dumps(PAYLOADS["pull_request.opened"])}).encode()
    delivery = _verify(body, "pull_request", content_type="application/x-www-form-urlencoded")

    assert (delivery.kind, delivery.subject) == ("pull_request.opened", "github:4401#7")


@pytest.mark.parametrize(
    ("payload", "subject"),
    [
        ("pull_request.opened", "github:4401#7"),
        ("pull_request_review.submitted", "github:4401#7"),
        ("issue_comment.created", "github:4401#3"),
        ("push", "github:4401:refs/heads/main"),
        ("check_suite.completed", "github:4401@" + "a" * 40),
        ("ping", "github:4401"),
        ("installation.created", None),
    ],
)
def test_deliveries_about_one_thing_share_a_subject(payload: str, subject: str | None) -> None:
    """A pull request and its reviews are handled in order, under an id that survives a rename."""
    assert subject == subject_of(PAYLOADS[payload])


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_payload_verifies(name: str) -> None:
    """Each kind of webhook is taken in, also those that mean nothing to us."""
    body = json.dumps(PAYLOADS[name]).encode()
    kind = name.partition(" ")[0]

    assert kind == _verify(body, kind.partition(".")[0]).kind
