"""The policy file of a repository."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nexus_core import RepositoryPolicy, UnreadableFile, read_policy

WHOLE = b"""# who may
approvers = [
  "octocat",
  "583231",
]
closing_words = ["ships"]
claim_time = "1h30m"
documents = ["docs/TASKS.md"]
issues = "agent"
"""


def _faults(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(UnreadableFile) as caught:
        read_policy(content)
    return [(fault.pointer, fault.message) for fault in caught.value.faults]


def test_a_whole_file_is_read() -> None:
    """Every key has its value; what is not there stays as the hub has it."""
    read = read_policy(WHOLE)

    assert read == RepositoryPolicy(
        approvers=("octocat", "583231"), closing_words=("ships",), claim_time=timedelta(minutes=90),
        documents=("docs/TASKS.md",), issues="agent",
    )  # fmt: skip
    assert RepositoryPolicy() == read_policy(b"\n# nothing\n")


def test_every_fault_has_its_line() -> None:
    """The line is the key's own, behind lists and texts of many lines that look like keys."""
    content = (
        b'approvers = [\n  "octocat",\n]\n\nnote = """\nissues = 7\n"""\nclaim_time = "soon"\n\nissues = 3\n[claims]\n'
    )
    found = _faults(content)

    assert [place for place, _ in found] == [".nexus.toml:5", ".nexus.toml:8", ".nexus.toml:10", ".nexus.toml:11"]
    assert "write one of approvers, closing_words, claim_time, documents, issues" in found[0][1]
    assert 'such as "45m"' in found[1][1]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"issues = 'all'\nclaim_time 3\n", 2),
        (b"approvers = [", 1),
        (b"a = 1\n\xff", 2),
        (b"\n" * 600, 1),
        (b"a = " + b"9" * 5000, 1),
        (b'\ndocuments = ["../../etc/passwd"]', 2),
        (b'\n\ndocuments = ["/etc/passwd"]', 3),
        (b'claim_time = "999999d"', 1),
        (b"approvers = [[1]]", 1),
    ],
)
def test_bad_files_are_refused_with_a_line(content: bytes, line: int) -> None:
    """Whatever is wrong, the answer is one of ours and names a line."""
    found = _faults(content)

    assert f".nexus.toml:{line}" == found[0][0]
