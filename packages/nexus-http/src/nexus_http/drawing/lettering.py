"""Text in a picture: cleaned for XML, measured without a font, wrapped and cut so that it never leaves its place."""

from __future__ import annotations

import re
import unicodedata
from html import escape

ELLIPSIS = "…"
_NARROW, _WIDE = "ijl|!.,:;'`Iftr()[]{} /\\", "mwMWOQGDHNUCA@%&_—–…→"
#: What no XML may hold, and what turns the direction of the text behind it.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_JOINING = "\u200d\ufe0e\ufe0f\u20e3"


def clean(text: str) -> str:
    """The text on one line, without what would break XML or its surroundings.

    >>> clean(" a\\x00b \\n c ")
    'a b c'
    """
    return " ".join(_FORBIDDEN.sub(" ", text).split())


def xml(text: str) -> str:
    """The text within an element or an attribute."""
    return escape(clean(text))


def width_of(text: str, size: float) -> float:
    """About how wide a text is, in a font that is rather wide: what fits by this fits in all."""
    return size * sum(map(_share, text))


def _share(char: str) -> float:
    """A character's width as a share of the font's size."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF" or ord(char) > 0x1F000:
        return 1.3 if ord(char) > 0x1F000 else 1.05
    if char in _NARROW:
        return 0.4
    return 0.9 if char in _WIDE else 0.76 if char.isupper() else 0.64


def letters(text: str) -> list[str]:
    """The text in pieces that may not be torn apart, such as a letter with its accents or a joined emoji."""
    found: list[str] = []
    for char in text:
        belongs = unicodedata.category(char) in ("Mn", "Me") or char in _JOINING or 0x1F3FB <= ord(char) <= 0x1F3FF
        if found and (belongs or found[-1].endswith("\u200d")):
            found[-1] += char
        else:
            found.append(char)
    return found


def fit(text: str, width: float, size: float) -> str:
    """The text, cut with an ellipsis when it is too wide."""
    if width_of(text, size) <= width:
        return text
    left, kept = width - width_of(ELLIPSIS, size), ""
    for letter in letters(text):
        left -= width_of(letter, size)
        if left < 0:
            break
        kept += letter
    return kept.rstrip() + ELLIPSIS


def wrap(text: str, width: float, size: float, most: int) -> list[str]:
    """The text in at most so many lines; words that are too long are broken, what does not fit is cut."""
    lines: list[str] = []
    rest = clean(text)
    while rest and len(lines) < most - 1:
        line, rest = _line(rest, width, size)
        lines.append(line)
    return [*lines, fit(rest, width, size)] if rest else lines


def _line(text: str, width: float, size: float) -> tuple[str, str]:
    """What fits on a line, and the rest."""
    words = text.split(" ")
    number = len(words)
    while number and width_of(" ".join(words[:number]), size) > width:
        number -= 1
    if number:
        return " ".join(words[:number]), " ".join(words[number:])
    pieces = letters(text)
    number = len(pieces)
    while number > 1 and width_of("".join(pieces[:number]), size) > width:
        number -= 1
    return "".join(pieces[:number]), "".join(pieces[number:])


def is_right_to_left(text: str) -> bool:
    """Whether the first letter that has a direction is of a script that runs to the left."""
    directions = (unicodedata.bidirectional(char) for char in text)
    return next((one in ("R", "AL") for one in directions if one in ("L", "R", "AL")), False)
