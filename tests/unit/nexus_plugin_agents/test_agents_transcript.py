"""Reading what agents print, from real transcripts and hostile lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_plugin_agents.transcript import BODY_LIMIT, Transcript, clean

CLAUDE = [
    {"type": "system", "subtype": "init", "cwd": "/srv/repo", "model": "claude-opus-4-8", "tools": ["Write"]},
    {"type": "assistant", "message": {"content": [
        {"type": "thinking", "thinking": "A file is wanted."},
        {"type": "tool_use", "name": "Write", "input": {"file_path": "/srv/repo/hello.txt"}}]}},
    {"type": "user", "message": {"content": [{"type": "tool_result", "content": "File created"}]}},
    {"type": "user", "message": {"content": [
        {"type": "tool_result", "is_error": True, "content": "no such file"}]}},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": "I wrote hello.txt"}]}},
    {"type": "result", "subtype": "success", "is_error": False, "result": "wrote hello.txt"},
]  # fmt: skip
CODEX = [
    {"type": "thread.started", "thread_id": "t"},
    {"type": "item.completed", "item": {"id": "0", "type": "error", "message": "Model metadata not found"}},
    {"type": "turn.started"},
    {
        "type": "item.started",
        "item": {"id": "1", "type": "command_execution", "command": "printf hi", "exit_code": None},
    },
    {
        "type": "item.completed",
        "item": {"id": "1", "type": "command_execution", "command": "printf hi", "exit_code": 2},
    },
    {
        "type": "item.completed",
        "item": {"id": "2", "type": "file_change", "changes": [{"path": "a.py", "kind": "add"}]},
    },
    {"type": "item.completed", "item": {"id": "3", "type": "agent_message", "text": "wrote a.py"}},
    {"type": "turn.completed", "usage": {"input_tokens": 1}},
]


def _read(events, root=""):
    transcript = Transcript(root=root)
    said = [(str(s.type), s.body) for event in events for s in transcript.read(json.dumps(event) + "\n")]
    return transcript, said


def test_claude_code_is_understood():
    """Its thoughts, actions and answer come out short and readable; paths are relative to the worktree."""
    transcript, said = _read(CLAUDE, root="/srv/repo")

    assert [
        ("action", "started with claude-opus-4-8"),
        ("thought", "A file is wanted."),
        ("action", "Write hello.txt"),
        ("action", "failed: no such file"),
        ("thought", "I wrote hello.txt"),
        ("response", "wrote hello.txt"),
    ] == said
    assert ("wrote hello.txt", False) == (transcript.summary, transcript.failed)


def test_codex_is_understood():
    """Its commands, edits and last message come out; a warning is no failure."""
    transcript, said = _read(CODEX)

    assert [
        ("action", "warning: Model metadata not found"),
        ("action", "$ printf hi"),
        ("action", "failed: exit code 2: printf hi"),
        ("action", "edit a.py"),
        ("thought", "wrote a.py"),
        ("response", "wrote a.py"),
    ] == said
    assert ("wrote a.py", False) == (transcript.summary, transcript.failed)


def test_claude_says_success_and_error_at_once():
    """Against a dead endpoint it prints `subtype: success` with `is_error: true`: that is a failure."""
    transcript, said = _read(
        [{"type": "result", "subtype": "success", "is_error": True, "result": "API Error: refused"}]
    )

    assert [("error", "API Error: refused")] == said
    assert (True, "API Error: refused") == (transcript.failed, transcript.error)


def test_codex_gives_up():
    """A failed turn is a failure; what it tries again is not."""
    transcript, said = _read(
        [
            {"type": "error", "message": "Reconnecting... 1/5"},
            {"type": "turn.failed", "error": {"message": "no network"}},
        ]
    )

    assert [("action", "warning: Reconnecting... 1/5"), ("error", "no network")] == said
    assert transcript.failed


@pytest.mark.parametrize(
    "line", ["building", '{"level": "info"}', "{broken", "[1]", '{"type": "assistant"}', "{" * 9999]
)
def test_other_lines_are_shown_as_they_are(line):
    """What no known agent prints is an action, word for word."""
    (said,) = Transcript().read(line)

    assert ("action", line[:100]) == (str(said.type), said.body[:100])


def test_bodies_are_bounded_and_clean():
    """Colours, progress bars and NULs do not reach the store, and no body is endless."""
    (said,) = Transcript().read("10%\r100% \x1b[32mdone\x1b[0m\x00" + "x" * 5000)

    assert said.body.startswith("100% donexxx")
    assert BODY_LIMIT == len(said.body)


def test_lone_surrogates_are_replaced():
    """JSON can spell letters that no store can keep."""
    assert b"a?b" == clean(json.loads('"a\\ud800b"')).encode()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "message", "item", "content", "text", "input", "changes", "is_error"]),
            inner,
        )
    ),
    max_leaves=12,
)
_TYPES = st.sampled_from(
    ["assistant", "user", "result", "system", "item.started", "item.completed", "turn.failed", "error"]
)


@given(
    _TYPES,
    st.dictionaries(st.sampled_from(["message", "item", "is_error", "subtype", "error", "result"]), _JSON),
)
def test_no_line_breaks_the_reader(kind, rest):
    """Agents change their formats; whatever comes is read without an exception."""
    for said in Transcript().read(json.dumps({"type": kind, **rest})):
        said.body.encode()

        assert "" != said.body
