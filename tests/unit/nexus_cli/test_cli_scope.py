"""Which repository a command is about."""

import subprocess

import pytest

from nexus_cli import scope


def git(folder, *arguments):
    """Run git for real."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A checkout of acme/api."""
    folder = tmp_path / "api"
    folder.mkdir()
    git(folder, "init", "-b", "main")
    git(folder, "remote", "add", "upstream", "https://github.com/other/api.git")
    git(folder, "remote", "add", "origin", "git@github.com:acme/api.git")
    return folder


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/api", "https://github.com/acme/api.git", "https://me:secret@github.com/acme/api/",
        "git@github.com:acme/api.git", "ssh://git@github.com/acme/api.git", "ssh://git@ssh.github.com:443/acme/api.git",
        "git://github.com/acme/api.git", "https://github.example.com/acme/api.git",
    ],
)  # fmt: skip
def test_addresses_of_github_have_a_name(url):
    """All the ways to write it."""
    assert "acme/api" == scope.github_name(url)


@pytest.mark.parametrize("url", ["https://gitlab.com/acme/api", "/srv/api.git", "https://github.com/acme", ""])
def test_other_addresses_have_none(url):
    """A guess is made for GitHub alone."""
    assert scope.github_name(url) is None


def test_a_folder_below_the_checkout_belongs_to_it(checkout):
    """The remote named origin counts, whatever else there is."""
    (checkout / "src" / "deep").mkdir(parents=True)

    assert "acme/api" == scope.of_checkout(checkout / "src" / "deep")


def test_a_worktree_belongs_to_its_repository(checkout, tmp_path):
    """Agents work in worktrees, where .git is a file."""
    git(checkout, "commit", "--allow-empty", "-m", "first")
    git(checkout, "worktree", "add", str(tmp_path / "tree"))

    assert "acme/api" == scope.of_checkout(tmp_path / "tree")


def test_outside_of_a_checkout_there_is_none(tmp_path):
    """No checkout, no guess."""
    assert scope.of_checkout(tmp_path) is None


def test_commands_default_to_the_checkout(nexus, checkout, monkeypatch):
    """`task add` in a checkout makes a task of that repository; `--repo all` makes one of none."""
    nexus("repo", "add", "acme/api")
    monkeypatch.chdir(checkout)
    own = nexus("task", "add", "one", "--json").document
    free = nexus("task", "add", "two", "--repo", "all", "--json").document

    assert ("acme/api", None) == (own["repository"]["name"], free["repository"])


def test_a_checkout_that_nexus_does_not_know_narrows_nothing(nexus, checkout, monkeypatch):
    """The guess was ours, so the command goes on and says so."""
    nexus("task", "add", "one")
    monkeypatch.chdir(checkout)
    ran = nexus("task", "next", "--json")

    assert "one" == ran.document["task"]["title"]
    assert "acme/api, which this is a checkout of, is not in Nexus" in ran.err


def test_a_repository_that_is_named_must_be_there(nexus):
    """A name that was typed is not guessed around."""
    assert 3 == nexus("task", "next", "--repo", "acme/nothing").code


def test_where_a_repository_is_needed_it_must_be_said(nexus):
    """No checkout and no --repo is bad input."""
    ran = nexus("task", "export")

    assert 2 == ran.code
    assert "say which repository: --repo owner/name" in ran.err
