"""Mends in the text of a Taskmaster file: each changes one value, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..domain.findings import FileMend
from .jsonedit import Edit, Writer, apply
from .jsontext import Node
from .taskmaster_file import Entry, TaskFile, open_file
from .taskmaster_links import Link, links


def mend(content: bytes, mends: Sequence[FileMend], live: Collection[tuple[str, str]]) -> bytes:
    """The file with those mends that its text still asks for.

    `live` are the dependencies that hold in Nexus, as pairs of keys: what is one of them is never taken out.

    :raises UnreadableFile: it is no file that `parse` reads
    """
    file = open_file(content)
    wanted: dict[str, list[FileMend]] = {}
    for one in mends:
        wanted.setdefault(one.key, []).append(one)
    edits = [
        edit for entry in file.entries if entry.key in wanted for edit in _edits(file, entry, wanted[entry.key], live)
    ]
    return apply(file.json, edits) if edits else content


def _edits(
    file: TaskFile, entry: Entry, mends: Sequence[FileMend], live: Collection[tuple[str, str]]
) -> Iterator[Edit]:
    for name in {one.member for one in mends if one.member != "dependencies"}:
        member = entry.node.get(name)
        if member is not None:
            mended = {one.was: one.now for one in mends if one.member == name}
            now = mended.get(file.json.source(member.node))
            if now is not None:
                yield Edit(start=member.node.start, end=member.node.end, new=now)
    array = entry.node.get("dependencies")
    if array is not None and array.node.kind == "array":
        yield from _rewritten(file, entry, array.node, mends, live)


def _rewritten(
    file: TaskFile, entry: Entry, array: Node, mends: Sequence[FileMend], live: Collection[tuple[str, str]]
) -> Iterator[Edit]:
    """The dependencies with their mends, if that makes a difference."""
    ours = [one for one in mends if one.member == "dependencies"]
    drops = {one.was for one in ours if one.now is None}
    writes = {one.was: one.now for one in ours if one.now is not None}
    before = [(link, file.json.source(link.item)) for link in links(file, entry) if link.item is not None]
    after = [writes.get(was, was) for link, was in before if was not in drops or _holds(entry, link, live)]
    if after != [was for _, was in before]:
        yield Writer(file.json).rewrite(array, after)


def _holds(entry: Entry, link: Link, live: Collection[tuple[str, str]]) -> bool:
    """Whether an element is a dependency that Nexus has; of two alike only the first is."""
    return link.counts and link.target is not None and (entry.key, link.target.key) in live
