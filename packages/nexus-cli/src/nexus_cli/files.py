"""Files that commands read and write; `-` is standard input and output."""

from __future__ import annotations

import sys
from pathlib import Path

from .failures import Failure
from .session import Session


def read_file(name: str) -> bytes:
    """The content of a file. :raises Failure: naming it"""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise Failure(f"{name}: cannot be read: {error.strerror}", "unreadable_file") from None


def write_file(session: Session, name: str, content: bytes) -> None:
    """Write a file whole or not at all, and say so. :raises Failure: naming it"""
    if name == "-":
        session.write(content)
        return
    target = Path(name)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    except OSError as error:
        raise Failure(f"{name}: cannot be written: {error.strerror}", "invalid") from None
    session.note(f"{name} is written ({len(content)} bytes)")
