"""Output for people."""

import io

import pytest

from nexus_cli.screen import Screen, clean


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def screen_of(stream, **environ):
    """A screen over a stream."""
    return Screen.of(stream, {"TERM": "xterm", **environ})


def test_a_terminal_gets_aligned_columns_below_a_header(monkeypatch):
    """Columns line up, and the last one is cut to the width."""
    monkeypatch.setenv("COLUMNS", "24")
    stream = Terminal()
    screen_of(stream, NO_COLOR="1").table(("id", "title"), [(1, "short"), (100, "a title that is long")], empty="")

    assert ["id   title", "1    short", "100  a title that is lo…"] == stream.getvalue().splitlines()


def test_a_pipe_gets_tabs_and_no_header():
    """What a script reads has no decoration, and nothing is cut."""
    stream = io.StringIO()
    screen_of(stream).table(("id", "title"), [(1, "x" * 500)], empty="No tasks.")

    assert f"1\t{'x' * 500}\n" == stream.getvalue()


def test_an_empty_list_is_said_on_a_terminal_alone():
    """A script reads nothing where there is nothing."""
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        screen_of(stream, NO_COLOR="1").table(("id",), [], empty="No tasks.")

    assert ("No tasks.\n", "") == (terminal.getvalue(), pipe.getvalue())


@pytest.mark.parametrize(("environ", "expected"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(environ, expected):
    """NO_COLOR and a dumb terminal turn them off."""
    assert expected == ("\x1b[" in screen_of(Terminal(), **environ).status("done"))


def test_a_status_has_its_sign_on_a_terminal():
    """Words elsewhere."""
    assert "● done" == screen_of(Terminal(), NO_COLOR="1").status("done")
    assert "done" == screen_of(io.StringIO()).status("done")


def test_text_from_outside_cannot_steer_the_terminal():
    """An escape sequence in a title is shown, not obeyed, wherever it stands."""
    stream = Terminal()
    title = "\x1b[2Jgone\x1b]0;owned\x07\u202e"
    screen = screen_of(stream, NO_COLOR="1")
    screen.table(("title",), [(title,)], empty="")
    screen.fields([("title", title)])
    screen.line(screen.bold(title))

    assert not {"\x1b", "\x07", "\u202e"} & set(stream.getvalue())
    assert "a\tb\nc" == clean("a\tb\r\nc")
