"""Which lines of a comment are commands, and which only look like ones."""

import pytest

from nexus_core.domain.commands import commands_in


@pytest.mark.parametrize(
    "text",
    [
        "/nexus done",
        "Thanks!\r\n/nexus done\r\n",
        "```\ncode\n```\n/nexus done",
        "> quoted\n\n/nexus done",
        "`a`\n/nexus done",
    ],
)
def test_a_line_of_its_own_is_a_command(text):
    """Whatever stands around it."""
    assert ["done"] == [one.verb for one in commands_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "> /nexus done",
        "```\n/nexus done\n```",
        "````\n```\n/nexus done\n```\n````",
        "```sh\n/nexus done",
        "- ~~~\n  /nexus done\n  ~~~",
        "<pre>\n/nexus done\n</pre>",
        "<!--\n/nexus done\n-->",
        "<!-- an unclosed comment hides the rest\n/nexus done",
        "say /nexus done",
        "/nexus-done",
        "    /nexus done",
    ],
)
def test_what_is_quoted_shown_or_hidden_is_none(text):
    """Somebody shows how to do it, or answers who did."""
    assert () == commands_in(text)
