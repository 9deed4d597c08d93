"""The policy file of a repository, `.nexus.toml`: read, checked, every fault with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ..domain.policy import POLICY_FILE, RepositoryPolicy
from ..errors import Fault, UnreadableFile

LARGEST = 16_384  #: bytes
MOST_LINES = 500
MOST = 50  #: items of a list
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=7)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?", re.ASCII)
_WORD = re.compile(r"[^\W\d_][\w-]{1,29}")
_TIME = re.compile(r"(?:\d{1,6}[smhd])+", re.ASCII)
_PATH = re.compile(r"(?!/)(?!(?:.*/)?\.{1,2}(?:/|\Z))[^\\\x00-\x1f]{1,200}")


def read_policy(content: bytes, *, name: str = POLICY_FILE) -> RepositoryPolicy:
    """The policy in a file.

    :raises UnreadableFile: with every fault, each at `file:line`
    """
    text = _text(content, name)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError itself: a number of thousands of digits
        raise _refused(name, [_unparsed(str(error), text, name)]) from None
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for key, value in document.items():
        try:
            values[key] = _READERS[key](value)
        except KeyError:
            wrong[key] = f"there is no “{key[:40]}”; write one of {', '.join(_READERS)}"
        except ValueError as error:
            wrong[key] = f"{key}: {error}"
    if wrong:
        lines = lines_of(text)
        raise _refused(name, [Fault(f"{name}:{lines.get(key, 1)}", said) for key, said in wrong.items()])
    return RepositoryPolicy(**values)


def lines_of(text: str) -> dict[str, int]:
    """The line on which each key of the outermost table begins, counted from 1.

    The whole lines before a key are a document without it, so the parser itself tells where that one ends.

    >>> lines_of('a = [\\n  1,\\n]\\n# a comment\\nb = 2')
    {'a': 1, 'b': 5}
    """
    lines = text.split("\n")
    found: dict[str, int] = {}
    begins = 1
    for number in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:number]))
        except ValueError:
            continue
        for key in document:
            found.setdefault(key, begins)
        begins = number + 1
    return found


def _text(content: bytes, name: str) -> str:
    if len(content) > LARGEST or content.count(b"\n") >= MOST_LINES:
        said = f"it is too long; a policy has at most {LARGEST} bytes and {MOST_LINES} lines"
        raise _refused(name, [Fault(f"{name}:1", said)])
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused(name, [Fault(f"{name}:{line}", "this is not UTF-8; save the file as UTF-8")]) from None


def _unparsed(said: str, text: str, name: str) -> Fault:
    place = _PLACE.search(said)
    line = int(place[1]) if place and place[1] else max(1, len(text.splitlines()))
    return Fault(f"{name}:{line}", f'this is not TOML: {_PLACE.sub("", said)}; write such as claim_time = "30m"')


def _refused(name: str, faults: list[Fault]) -> UnreadableFile:
    ordered = sorted(faults, key=lambda fault: int(fault.pointer.rpartition(":")[2]))
    return UnreadableFile(f"{name} is not a valid policy; the one before it stays in force", faults=tuple(ordered))


def _texts(form: re.Pattern[str], what: str) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > MOST:
            raise ValueError(f"expected a list of at most {MOST} texts: {what}")
        for item in value:
            if not isinstance(item, str) or not form.fullmatch(item):
                raise ValueError(f"{str(item)[:40]!r} is none of what is expected here: {what}")
        return tuple(dict.fromkeys(value))

    return read


def _claim_time(value: Any) -> timedelta:
    found = timedelta()
    if isinstance(value, str) and _TIME.fullmatch(value):
        seconds = sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", value))
        found = timedelta(seconds=seconds)
    if not _SHORTEST <= found <= _LONGEST:
        raise ValueError('expected a length of time from a minute to 7 days, such as "45m" or "1h30m"')
    return found


def _issues(value: Any) -> str:
    if value is False:
        return ""
    if isinstance(value, str) and 0 < len(value.strip()) <= 50 and value.isprintable():
        return value.strip()
    raise ValueError('expected "all", the label of those that become tasks, or false')


_READERS: dict[str, Callable[[Any], Any]] = {
    "approvers": _texts(_ACCOUNT, 'logins or ids of accounts, such as ["octocat", "583231"]'),
    "closing_words": _texts(_WORD, 'single words, such as ["ships", "delivers"]'),
    "claim_time": _claim_time,
    "documents": _texts(_PATH, 'paths in the repository, such as ["docs/TASKS.md"]'),
    "issues": _issues,
}
