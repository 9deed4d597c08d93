"""What somebody says in Markdown: the text without code, without what is hidden, without what they quote of others."""

from __future__ import annotations

import re

_QUOTE = re.compile(r"^ {0,3}>.*$", re.MULTILINE)

# What is never closed lasts to the end, as it does where Markdown is shown; so each of these is looked for once.
_HIDDEN = re.compile(
    r"""
      <!--.*?(?:-->|\Z)
    | <(pre|code)\b.*?(?:</\1\s*>|\Z)
    | ^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*     # a fence, which may stand in a list
      (?P<fence>`{3,}|~{3,})[^`\n]*(?:\n|\Z)
      (?:.*?^[ \t]*(?P=fence)[`~]*[ \t]*$ | .*\Z)
    | (?<!`)(?P<ticks>`{1,20})(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)


def prose(text: str) -> str:
    r"""The lines of a text that its author says themselves.

    >>> prose("Fixes this\r\n> quoted\n```\ncode\n```\nand `that`").split()
    ['Fixes', 'this', 'and']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub(" ", _QUOTE.sub("", lines))
