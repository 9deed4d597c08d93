"""A Taskmaster file with all that was read from it, as the checks of files look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs

from ..domain.findings import Case, FileMend
from .model import ParsedTask
from .taskmaster_file import Entry, TaskFile, entry_around
from .taskmaster_links import Link, links


@attrs.frozen(kw_only=True, eq=False)
class Opened:
    """A file, opened and read; its entries, or those of one tag."""

    file: TaskFile
    tasks: Mapping[str, ParsedTask]  #: by external key
    entries: Sequence[Entry]

    @classmethod
    def of(cls, file: TaskFile, tasks: Sequence[ParsedTask]) -> Opened:
        """All of a file."""
        return cls(file=file, tasks={task.external_key: task for task in tasks}, entries=file.entries)

    @property
    def tags(self) -> list[str]:
        """The tags, in the order of the file."""
        return list(dict.fromkeys(entry.group.tag for entry in self.entries))

    def of_tag(self, tag: str) -> Opened:
        """What belongs to one tag."""
        return attrs.evolve(self, entries=[entry for entry in self.entries if entry.group.tag == tag])

    @cached_property
    def links(self) -> Mapping[str, Sequence[Link]]:
        """The elements of the dependencies of each entry that has some, by its key."""
        found = {entry.key: links(self.file, entry) for entry in self.entries}
        return {key: those for key, those in found.items() if those}

    @cached_property
    def _starts(self) -> list[Entry]:
        return sorted(self.entries, key=lambda entry: entry.node.start)

    def around(self, at: int) -> Entry | None:
        """The innermost task around a position."""
        return entry_around(self._starts, at)

    def line(self, at: int) -> int:
        """The line of a position."""
        return self.file.json.line(at)

    def case(self, entry: Entry, at: int | None = None, **more: Any) -> Case:
        """A case of an entry, at a position in it or where it begins."""
        return Case(key=entry.key, line=self.line(entry.node.start if at is None else at), **more)

    def linked(self) -> Iterator[tuple[Entry, Link]]:
        """Every element of every list of dependencies."""
        for entry in self.entries:
            for link in self.links.get(entry.key, ()):
                yield entry, link

    def drop(self, entry: Entry, link: Link) -> FileMend | None:
        """The edit that takes an element out of the dependencies; None when they are no list."""
        if link.item is None:
            return None
        return FileMend(key=entry.key, member="dependencies", was=self.file.json.source(link.item))

    def write(self, entry: Entry, member: str, now: str) -> tuple[FileMend, ...]:
        """The edit that gives a member another value, written as JSON."""
        found = entry.node.get(member)
        return (
            (FileMend(key=entry.key, member=member, was=self.file.json.source(found.node), now=now),) if found else ()
        )


def told(code: str) -> Callable[[Opened], Iterator[Case]]:
    """The check that has a case for each warning with which the file was read."""

    def find(opened: Opened) -> Iterator[Case]:
        for warning in opened.file.warnings:
            if warning.code == code:
                entry = None if warning.at is None else opened.around(warning.at)
                yield Case(
                    key=entry.key if entry else None,
                    line=None if warning.at is None else opened.line(warning.at),
                    message=f"{warning.message}; {warning.done}",
                )

    return find
