"""Which revision `uv run nox -s upgrade` crosses this one with: prints it, or nothing where there is none.

The previous release, by its tag `v…`. Before the first release an earlier commit stands for it: the one before the last
migration, or else the one before this, if its migrations are among ours as they were and its code bears the new ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

MIGRATIONS = ":(glob)packages/*/src/**/migrations/*.sql"
_BEARS = "_expand_"
"""What stands in code that works on a schema with expansions that it does not know."""
_BROKEN = (
    "29d951e6e2bf1b44a9ddaec81e4fb5567dac3ae9",
    "7139ea8d8a16672575cef025ff8dadb83064c33a",
    "f3fc03ef2d807bff807cd62c91a1de0fe1243b9e",
)
"""Commits whose claims over HTTP fail, whatever the schema; nobody ran them, so the one before stands for them."""


class Repository:
    """The checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str | None:
        """What git answers; None when it cannot."""
        try:
            done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def here(self) -> dict[str, str]:
        """The migrations of the checkout as it stands, by name: what git calls their content."""
        files = (self.git("ls-files", "-co", "--exclude-standard", MIGRATIONS) or "").splitlines()
        return {Path(file).name: self.git("hash-object", file) or "" for file in files if (self.root / file).exists()}

    def there(self, revision: str) -> dict[str, str]:
        """Those of a revision."""
        lines = (self.git("ls-tree", "-r", revision) or "").splitlines()
        found = [(place, about.split()[-1]) for about, place in (line.split("\t", 1) for line in lines)]
        return {Path(place).name: content for place, content in found if fnmatch(place, "*/migrations/*.sql")}

    def bears_expansions(self, revision: str) -> bool:
        """Whether the code of a revision works on a schema that was expanded since."""
        return self.git("grep", "-q", "--fixed-strings", _BEARS, revision, "--", "packages/*/src/**/migrate.py") == ""

    def candidates(self) -> Iterator[str]:
        """What may stand for the previous release, the better first."""
        if self.here() != self.there("HEAD"):
            yield "HEAD"  # a migration is being written
        last = self.git("log", "-1", "--first-parent", "--format=%H", "--", MIGRATIONS)
        for revision in (f"{last}^", "HEAD^"):
            found = self.git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
            while found in _BROKEN:
                found = self.git("rev-parse", "--verify", "--quiet", f"{found}^")
            if found:
                yield found


def previous(root: Path) -> str | None:
    """The tag or the commit; None when there is nothing to be crossed with."""
    repository = Repository(root)
    if tag := repository.git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"):
        return tag
    ours = repository.here()
    for revision in repository.candidates():
        theirs = repository.there(revision)
        is_crossable = theirs.items() == ours.items() or repository.bears_expansions(revision)
        if theirs and theirs.items() <= ours.items() and is_crossable:
            return revision
    return None


if __name__ == "__main__":
    print(previous(Path(__file__).parents[1]) or "", file=sys.stdout)
