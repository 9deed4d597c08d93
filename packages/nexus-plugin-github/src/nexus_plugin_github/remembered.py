"""Answers that GitHub need not send again: it says with 304 that they still hold, which costs nothing of its limits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import attrs

_MOST: Final = 300  #: answers that are kept
_LARGEST: Final = 512 * 1024  #: bytes; larger ones are fetched anew


@attrs.frozen
class Kept:
    """An answer with its mark."""

    etag: str
    headers: Mapping[str, str]
    document: Any = attrs.field(repr=False)


class Remembered:
    """Answers to reading calls, by who asked and the address; those that were not asked for longest are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def get(self, who: str, address: str) -> Kept | None:
        """What is known of an address."""
        with self._lock:
            if (kept := self._kept.get((who, address))) is not None:
                self._kept.move_to_end((who, address))
            return kept

    def keep(self, who: str, address: str, headers: Mapping[str, str], document: Any, size: int) -> None:
        """Remember an answer that has a mark and is not too large."""
        etag = headers.get("etag")
        if not etag or size > _LARGEST:
            return
        with self._lock:
            self._kept[(who, address)] = Kept(etag, headers, document)
            self._kept.move_to_end((who, address))
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)


ANSWERS: Final = Remembered()
