"""Text from anywhere, made fit for Slack: nothing in it can mention, link, or break out of its line."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

_JOINERS = "\u200c\u200d"  # within emoji and some scripts these are letters, not tricks
_FENCE = re.compile(r"`{2,}")


def escape(text: str) -> str:
    """The text with Slack's three control characters written out: no mention and no link survives.

    >>> escape("<!channel> & <https://evil.example|your bank>")
    '&lt;!channel&gt; &amp; &lt;https://evil.example|your bank&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str, limit: int = 200) -> str:
    """The text, not escaped, on one line of at most `limit` characters, without invisible characters.

    >>> one_line("two\\n lines", 7)
    'two li…'
    """
    flat = " ".join("".join(_visible(char) for char in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int = 200) -> str:
    """Foreign text for a place where Slack reads markup: one line, clipped, escaped."""
    return escape(_FENCE.sub("'", one_line(text, limit)))


def code(text: str, limit: int = 100) -> str:
    """The text in code letters.

    >>> code("nexus/nx-12")
    '`nexus/nx-12`'
    """
    return f"`{escape(one_line(text, limit).replace('`', ''))}`"


def quote(text: str, lines: int = 6, limit: int = 200) -> str:
    """Foreign text of several lines, as a quotation of at most `lines` lines of `limit` characters."""
    kept = [line for raw in text.splitlines() if (line := plain(raw, limit))]
    shown = kept[:lines] + (["…"] if len(kept) > lines else [])
    return "\n".join(f"> {line}" for line in shown)


def link(url: str, label: str) -> str:
    """A link whose label is our own or escaped; the label alone when the address is not a web address.

    >>> link("https://github.com/acme/api/pull/7", "acme/api#7")
    '<https://github.com/acme/api/pull/7|acme/api#7>'
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        fine = False
    if not fine or len(url) > 1000 or re.search(r"[\s<>|\x00-\x1f]", url):
        return label
    return f"<{escape(url)}|{label}>"


def count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "task"), count(3, "task")
    ('1 task', '3 tasks')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs", "Co", "Cn") and char not in _JOINERS else char
