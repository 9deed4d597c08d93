"""Task references in text: how a branch, title, body or commit message names a task.

`NX-12` in a branch or title links; in a body or a message it links after a word like `refs`, and closes when it
stands directly after a closing word. Taskmaster's branch `tm/<tag>/task-3-2-…` and trailer `Task: 3.2` name a task
of the file of their own repository.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

import attrs

from .prose import prose

_CLOSING = r"close[sd]?|fix(?:e[sd])?|resolve[sd]?|implement(?:s|ed)?|complete[sd]?"
_LINKING = r"refs?|references?|see|part\s+of|relate[sd]?\s+to|for|towards?|addresse?[sd]?|contributes?\s+to|task|nexus"
_NEGATED = re.compile(
    r"(?:\b(?:not|never|cannot|without|no)|n['’]t)[ \t]+"
    r"(?:(?:fully|completely|entirely|really|actually|quite|directly|yet|longer)[ \t]+)?\Z",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(r"\W*revert(?::|[ \t]+[\"“'])", re.IGNORECASE)
MOST = 200
"""References that are looked at in one text; who names more tasks than that names none of them in earnest."""
_NEGATION = 60  #: characters before a word in which a “not” is looked for
_LONGEST_NAME = 1000  #: characters of a branch or title; hosts take a quarter of that
_TM_BRANCH = re.compile(r"(?:^|/)tm/([A-Za-z0-9_.-]+)/task-(\d{1,9})(?:-(\d{1,9}))?(?=-|$)", re.ASCII)
_TM_TRAILER = re.compile(r"^Task:[ \t]*(\d{1,9}(?:\.\d{1,9})?)[ \t]*$", re.MULTILINE | re.ASCII)
_TM_TAG = re.compile(r"^Tag:[ \t]*([A-Za-z0-9_.-]+)[ \t]*$", re.MULTILINE | re.ASCII)


@attrs.frozen(kw_only=True)
class Reference:
    """A task that a text names."""

    reason: str
    task_id: int | None = None  #: by key, `NX-12`
    external_key: str | None = None  #: by Taskmaster's number, `tag:3.2`; the tag may be empty
    closes: bool = False


def _keys(prefix: str) -> str:
    return rf"(?<![A-Za-z0-9_/-]){re.escape(prefix)}-([1-9][0-9]{{0,17}})(?![A-Za-z0-9_]|-[0-9]|\.[0-9]|\.x\b)"


def _in_name(text: str, where: str, prefix: str) -> list[Reference]:
    """A branch or title names tasks simply by holding their keys."""
    # Words of a branch are joined: nexus/nx-12-add-login, ada-nx-12, fix_nx-12. A version (nx-16.x) is no task.
    edge = "A-Za-z0-9" if where == "branch" else "A-Za-z0-9_-"
    pattern = rf"(?<![{edge}]){re.escape(prefix)}-([1-9][0-9]{{0,17}})(?![A-Za-z0-9]|\.[A-Za-z0-9])"
    text = text[:_LONGEST_NAME]
    merely = re.compile(rf"(?:^revert\b.*|\b(?:{_LINKING}):?\s+)$", re.IGNORECASE)
    return [
        # “Part of NX-12: …” and “Revert …” speak of a task without being the change that completes it.
        Reference(
            task_id=int(found[1]),
            closes=not merely.search(text[: found.start()]),
            reason=f"the {where} names {prefix}-{found[1]}",
        )
        for found in re.finditer(pattern, text, re.IGNORECASE | re.ASCII)
    ]


def _in_prose(plain: str, where: str, prefix: str, closing: str) -> list[Reference]:
    """A body or message names a task only after a word that says so."""
    found: list[Reference] = []
    key = _keys(prefix)
    chain = rf"{key}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*){key})*"
    for words, closes in ((closing, True), (_LINKING, False)):
        # Emphasis and the brackets of a link may stand around a word or a key: “**Closes** [NX-12](…)”.
        pattern = rf"(?<![\w-])((?:{words})(?!\w)\*{{0,2}}:?)\*{{0,2}}\s+[\[*]{{0,3}}({chain})"
        for match in itertools.islice(re.finditer(pattern, plain, re.IGNORECASE), MOST):
            if _NEGATED.search(plain[max(0, match.start() - _NEGATION) : match.start()]):
                continue
            line = plain[plain.rfind("\n", 0, match.start()) + 1 : match.start()]
            does_close = closes and not _TAKES_BACK.match(line)
            verb = " ".join(match[1].split()).strip("*:").lower()
            # A closing word closes only the task directly behind it; the others of a list are linked.
            keys = itertools.islice(re.finditer(key, match[2], re.IGNORECASE), MOST)
            for place, number in enumerate(one[1] for one in keys):
                reason = f"the {where} says “{verb} {prefix}-{number}”"
                found.append(Reference(task_id=int(number), closes=does_close and place == 0, reason=reason))
    return found[:MOST]


def _in_taskmaster(branch: str, plain: str, where: str) -> list[Reference]:
    found = []
    if match := _TM_BRANCH.search(branch):
        number = match[2] + (f".{match[3]}" if match[3] else "")
        found.append(
            Reference(
                external_key=f"{match[1]}:{number}",
                closes=True,
                reason=f"the branch is Taskmaster's for {number}",
            )
        )
    tag = _TM_TAG.search(plain)
    for match in itertools.islice(_TM_TRAILER.finditer(plain), MOST):
        key = f"{tag[1] if tag else ''}:{match[1]}"
        found.append(Reference(external_key=key, reason=f"the {where} has the trailer “Task: {match[1]}”"))
    return found


def find_references(
    *,
    branch: str = "",
    title: str = "",
    body: str = "",
    messages: tuple[str, ...] = (),
    prefix: str = "NX",
    closing: Iterable[str] = (),
) -> tuple[Reference, ...]:
    """Every task that a change names, the strongest reason for each first found.

    `closing` are further words that close, beside the common ones.

    >>> [r.task_id for r in find_references(branch="nexus/nx-12-login", body="Fixes NX-7, see also NX-9")]
    [12, 7]
    """
    words = "|".join([_CLOSING, *(r"\s+".join(map(re.escape, word.split())) for word in closing)])
    found = _in_name(branch, "branch", prefix) + _in_name(title, "title", prefix)
    plain = prose(body)
    found += _in_prose(plain, "body", prefix, words) + _in_taskmaster(branch, plain, "body")
    for plain in map(prose, messages):
        found += _in_prose(plain, "commit message", prefix, words) + _in_taskmaster("", plain, "commit message")
    best: dict[tuple[int | None, str | None], Reference] = {}
    for reference in found:
        name = (reference.task_id, reference.external_key)
        if name not in best or (reference.closes and not best[name].closes):
            best[name] = reference
    return tuple(best.values())


_REVERTS = re.compile(
    r"\brevert(?:s|ed)\s+(?:merge\s+request\s+|pull\s+request\s+)?(?:([\w.-]+(?:/[\w.-]+)+)?[#!]([1-9]\d{0,17})"
    r"|commit\s+([0-9a-f]{40}(?:[0-9a-f]{24})?))\b",
    re.IGNORECASE | re.ASCII,
)


def find_reverts(text: str, repository: str, *, changes: bool = True) -> tuple[str, ...]:
    """What a text says is taken back: changes of the same repository as `#7`, commits by their hash.

    >>> find_reverts("Reverts acme/api#7, see web#8", "acme/api"), find_reverts("This reverts merge request !9", "a/b")
    (('#7',), ('#9',))
    """
    found = []
    for match in itertools.islice(_REVERTS.finditer(prose(text)), MOST):
        place, number, commit = match.groups("")
        if commit:
            found.append(commit.lower())
        elif changes and place.lower() in ("", repository.lower()):
            found.append(f"#{number}")
    return tuple(dict.fromkeys(found))
