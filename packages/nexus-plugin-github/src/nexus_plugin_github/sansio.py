"""Webhooks without I/O: is the signature right, what is it about. Only the body is signed, no header is."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.errors import Invalid, Unauthenticated

from .reading import payload_of, repository_id, repository_name, table, text, whole

SOURCE = "github"
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_ACTION = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_DELIVERY = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)
READ = frozenset(
    {
        "pull_request", "pull_request_review", "pull_request_review_comment", "push", "check_suite", "check_run",
        "workflow_run", "issues", "issue_comment", "repository", "installation", "installation_repositories",
        "installation_target", "organization", "github_app_authorization",
    }
)  # fmt: skip
"""The events in which there may be facts. All others, such as stars and jobs of workflows, are only put on record."""
_TIMELESS = frozenset({"github_app_authorization", "ping"})
_KEPT = ("x-github-event", "x-github-hook-id", "content-type")


def sign(body: bytes, secret: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a body."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def check_signature(body: bytes, header: str | None, secrets: Sequence[bytes]) -> None:
    """Refuse a body that was signed with none of the secrets. Every secret is tried, whichever fits.

    :raises Unauthenticated: and nothing else, whatever the header holds
    """
    if not secrets:
        raise Unauthenticated(
            "GitHub webhooks are refused because no secret is configured; "
            "set NEXUS_GITHUB_WEBHOOK_SECRET and the same secret at GitHub"
        )
    found = _SIGNATURE.fullmatch(header or "")
    if not found:
        raise Unauthenticated("the header X-Hub-Signature-256 is missing or is no SHA-256 signature")
    given = found[1].encode()
    matches = [hmac.compare_digest(sign(body, secret)[7:].encode(), given) for secret in secrets]
    if not any(matches):
        raise Unauthenticated("the signature does not fit the body; is the secret the one set at GitHub?")


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[bytes]) -> VerifiedDelivery:
    """The delivery, when one of the secrets signed its body. Header names are lower-case.

    :raises Unauthenticated: the signature is missing or wrong, or no secret is configured
    :raises Invalid: it was signed, but makes no sense
    """
    check_signature(body, headers.get("x-hub-signature-256"), secrets)
    event = _header(headers, "x-github-event", _EVENT)
    delivery = _header(headers, "x-github-delivery", _DELIVERY)
    payload = payload_of(body, headers.get("content-type") or "")
    return VerifiedDelivery(
        source=SOURCE,
        id=delivery,
        kind=kind_of(event, payload),
        body=body,
        headers={name: text(headers[name])[:200] for name in _KEPT if headers.get(name)},
        subject=subject_of(payload),
        # Bodies without a time in them are the same each time that it happens: their id alone tells them apart.
        fingerprint=None if event in _TIMELESS else hashlib.sha256(event.encode() + b"\n" + body).hexdigest(),
        matters=event in READ,
    )


def _header(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name) or ""
    if not pattern.fullmatch(value):
        raise Invalid(f"the header {name} is missing or makes no sense")
    return value


def kind_of(event: str, payload: Mapping[str, Any]) -> str:
    """`event.action`, or the event alone.

    >>> kind_of("pull_request", {"action": "closed"}), kind_of("push", {})
    ('pull_request.closed', 'push')
    """
    action = payload.get("action")
    return f"{event}.{action}" if isinstance(action, str) and _ACTION.fullmatch(action) else event


def subject_of(payload: Mapping[str, Any]) -> str | None:
    """What the delivery is about, so that deliveries about one thing are handled in order.

    >>> subject_of({"repository": {"id": 5}, "pull_request": {"number": 7}})
    'github:5#7'
    """
    repository = repository_id(payload) or repository_name(payload)
    if not repository:
        return None
    number = whole(table(payload, "pull_request").get("number")) or whole(table(payload, "issue").get("number"))
    if number:
        return f"{SOURCE}:{repository}#{number}"
    suite = table(payload, "check_suite") or table(payload, "check_run") or table(payload, "workflow_run")
    if head := text(suite.get("head_sha")):
        return f"{SOURCE}:{repository}@{head[:64]}"
    ref = text(payload.get("ref"))
    return f"{SOURCE}:{repository}:{ref[:255]}" if ref else f"{SOURCE}:{repository}"
