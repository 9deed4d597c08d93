"""Which revision an upgrade is tried from: the release before, or what stands for it, or none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from previous import previous

PLACE = "packages/nexus-core/src/nexus_core/storage"
BEARS = 'EXPANDING = "_expand_"\n'
WHO = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Checkout:
    """A scratch repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "-b", "main")

    def git(self, *arguments: str) -> str:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | WHO
        command = ["git", "-c", "commit.gpgsign=false", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environ, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files of the storage, by their stem, and commit them; the commit."""
        for stem, text in files.items():
            name = "migrate.py" if stem == "migrate" else f"migrations/{stem.lstrip('m')}.sql"
            file = self.folder / PLACE / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")

    @property
    def previous(self) -> str | None:
        return previous(self.folder)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_the_last_release_before_this_revision(checkout):
    """By its tag; that of this revision itself is the release in the making."""
    checkout.commit(m0001_initial="one")
    checkout.git("tag", "v1.0.0")
    checkout.commit(m0001_initial="other")
    checkout.git("tag", "v1.1.0")
    checkout.git("tag", "nightly")

    assert "v1.0.0" == checkout.previous
    checkout.commit()
    assert "v1.1.0" == checkout.previous


def test_before_the_first_release_the_revision_before_the_last_migration(checkout):
    """If its code bears what was added since; else none does."""
    before = checkout.commit(m0001_initial="one", migrate=BEARS)
    checkout.commit(m0002_expand_more="two")
    checkout.commit()

    assert before == checkout.previous
    (checkout.folder / PLACE / "migrations" / "0003_expand_again.sql").write_text("three, not committed yet")
    assert "HEAD" == checkout.previous


def test_before_the_first_release_the_revision_before_this_one(checkout):
    """Where the first migrations were still being written: what they were bears no comparison."""
    checkout.commit(m0001_initial="one")
    checkout.commit(m0001_initial="edited")
    before = checkout.commit()
    checkout.commit()

    assert before == checkout.previous


def test_none(checkout, tmp_path_factory):
    """Nothing was before; it knew other migrations; it does not bear ours; there is no history at all."""
    checkout.commit(m0001_initial="one")
    alone = checkout.previous
    checkout.commit(m0001_initial="edited")
    edited = checkout.previous
    checkout.commit(m0002_expand_more="two")
    unbearable = checkout.previous

    assert [None] * 4 == [alone, edited, unbearable, previous(tmp_path_factory.mktemp("plain"))]
