"""Which task of a file is which task of Nexus, where the ids alone would mislead.

Taskmaster gives out the id of a deleted task once more, moves tasks to other tags and parents under new ids, and people
number their tasks anew by hand. So an id that stands over another title is looked at more closely: a task that is found
under another id was moved, and one that is another through and through is a new task.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

import attrs

_ALIKE = 0.2
"""Texts that share fewer of their words than this have nothing to do with each other."""


class Described(Protocol):
    """What says what a task is about."""

    @property
    def title(self) -> str:
        """The title."""
        ...

    @property
    def description(self) -> str:
        """The description."""
        ...

    @property
    def details(self) -> str:
        """The details."""
        ...


Tasks = Mapping[str, Described]


@attrs.frozen(kw_only=True)
class Identity:
    """What became of the keys of tasks that Nexus has."""

    moved: Mapping[str, str]  #: former key -> the key in the file now
    lost: frozenset[str]  #: these keys name other tasks now, and theirs have no place any more

    def origins(self, keys: Iterable[str]) -> dict[str, str]:
        """For each key, the one that its task had before; those whose task is new there are left out."""
        kept = {key: key for key in keys if key not in self.moved and key not in self.lost}
        return kept | {now: was for was, now in self.moved.items()}


def identify(before: Tasks, now: Tasks, known: Tasks, *, is_whole: bool) -> Identity:
    """Compare what the file said before with what it says now; `known` are the tasks of Nexus by key.

    Of a file that `is_whole`, tasks that are missing are gone, and may have come back under another key.
    """
    settled = {key for key, task in now.items() if _same(task, before.get(key)) or _same(task, known.get(key))}
    old = {
        key: task for key, task in before.items() if key in known and key not in settled and (key in now or is_whole)
    }
    new = {key: task for key, task in now.items() if key not in settled}
    moved = _pairs(old, new, _whole, _is_telling)
    moved |= _pairs(_without(old, moved), _without(new, moved.values()), _title, _is_near)
    moved = {was: key for was, key in moved.items() if was != key}
    taken = set(moved.values())
    lost = {
        key
        for key, task in new.items()
        if key in known and key not in moved and (key in taken or _is_another(before.get(key, known[key]), task))
    }
    return Identity(moved=moved, lost=frozenset(lost))


def _pairs(
    old: Tasks, new: Tasks, signature: Callable[[Described], object], fits: Callable[[Described, Described], bool]
) -> dict[str, str]:
    """Old and new keys of tasks with one signature, of which there is no other on either side."""
    olds = {key: signature(task) for key, task in old.items()}
    news = {key: signature(task) for key, task in new.items()}
    often, places = (Counter(olds.values()), Counter(news.values())), {said: key for key, said in news.items()}
    return {
        key: places[said]
        for key, said in olds.items()
        if often[0][said] == often[1][said] == 1 and fits(old[key], new[places[said]])
    }


def _is_another(old: Described, new: Described) -> bool:
    """Whether they have nothing in common: neither the title nor the texts, of which there must be some."""
    texts = _words(old.description, old.details), _words(new.description, new.details)
    return not _alike(_words(old.title), _words(new.title)) and all(texts) and not _alike(*texts)


def _is_telling(old: Described, _: Described) -> bool:
    """Whether a description is more than a word that many tasks bear."""
    return bool(old.description.strip() or old.details.strip() or len(old.title.split()) > 1)


def _is_near(old: Described, new: Described) -> bool:
    """Whether the texts have to do with each other."""
    return _alike(_words(old.description, old.details), _words(new.description, new.details))


def _same(new: Described, old: Described | None) -> bool:
    return old is not None and _title(old) == _title(new)


def _without(tasks: Tasks, keys: Collection[str]) -> Tasks:
    return {key: task for key, task in tasks.items() if key not in keys}


def _whole(task: Described) -> tuple[str, ...]:
    return (_title(task), task.description.strip(), task.details.strip())


def _title(task: Described) -> str:
    return " ".join(task.title.lower().split())


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall(r"\w{3,}", text.lower())}


def _alike(one: set[str], other: set[str]) -> bool:
    return len(one & other) > _ALIKE * min(len(one), len(other))
