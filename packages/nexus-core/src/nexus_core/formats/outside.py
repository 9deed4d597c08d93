"""Names of tasks that are outside of a file: `owner/name#key`, `NX-12`, or a key of the same repository."""

from __future__ import annotations

import re

_ELSEWHERE = re.compile(r"([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)#(.+)", re.ASCII | re.DOTALL)
_NUMBERED = re.compile(r"[A-Za-z]+-[0-9]+", re.ASCII)


def elsewhere(name: str) -> tuple[str, str] | None:
    """The repository and the key that a name means, when it names a repository.

    >>> elsewhere("acme/web#master:4"), elsewhere("master:4")
    (('acme/web', 'master:4'), None)
    """
    found = _ELSEWHERE.fullmatch(name)
    return None if found is None else (found[1], found[2])


def folded(name: str) -> str:
    """A name as it is compared: the case of repositories and of `NX-12` does not count.

    >>> folded("Acme/Web#Cart"), folded("NX-12"), folded("Cart")
    ('acme/web#Cart', 'nx-12', 'Cart')
    """
    if found := elsewhere(name):
        return f"{found[0].lower()}#{found[1]}"
    return name.lower() if _NUMBERED.fullmatch(name) else name
