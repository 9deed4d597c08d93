"""Answers as they are remembered: readable only for who sent the request.

An answer may show a key of ours, which is kept nowhere else. So it is enciphered with a key made of what the sender
alone has, its credential and its Idempotency-Key; the store knows only hashes of the two.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SALT = 16
_TAG = 32


def seal(text: bytes, *secret: str) -> bytes:
    """The text, enciphered.

    >>> unseal(seal(b"hello", "a", "b"), "a", "b")
    b'hello'
    """
    salt = secrets.token_bytes(_SALT)
    hidden = _mix(text, _key(secret, salt, b"text"))
    return salt + _tag(hidden, secret, salt) + hidden


def unseal(sealed: bytes, *secret: str) -> bytes | None:
    """The text; None when it was sealed with another secret, or altered."""
    salt, tag, hidden = sealed[:_SALT], sealed[_SALT : _SALT + _TAG], sealed[_SALT + _TAG :]
    if not hmac.compare_digest(tag, _tag(hidden, secret, salt)):
        return None
    return _mix(hidden, _key(secret, salt, b"text"))


def _key(secret: tuple[str, ...], salt: bytes, purpose: bytes) -> bytes:
    material = b"".join(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in secret)
    return hmac.digest(material, purpose + salt, "sha256")


def _tag(hidden: bytes, secret: tuple[str, ...], salt: bytes) -> bytes:
    return hmac.digest(_key(secret, salt, b"tag"), hidden, "sha256")


def _mix(text: bytes, key: bytes) -> bytes:
    """The text with a stream that only this key makes. Each key is used for one text: it depends on a fresh salt."""
    stream = hashlib.shake_256(key).digest(len(text))
    return (int.from_bytes(text) ^ int.from_bytes(stream)).to_bytes(len(text))
