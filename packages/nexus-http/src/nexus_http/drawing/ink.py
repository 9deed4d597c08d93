"""What a picture is made of: lines of text, and lines between cards."""

from __future__ import annotations

from collections.abc import Sequence

from .lettering import clean, fit, is_right_to_left, xml

Point = tuple[float, float]


def words(x: float, y: float, size: float, look: str, text: str) -> str:
    """A line of text that is known to fit."""
    return f'<text class="{look}" x="{x:g}" y="{y:g}" font-size="{size:g}">{xml(text)}</text>'


def ended_words(x: float, y: float, size: float, look: str, text: str) -> str:
    """A line of text that ends at x."""
    return f'<text class="{look}" x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="end">{xml(text)}</text>'


def line_of_text(x: float, y: float, size: float, look: str, text: str, width: float) -> str:
    """A line of text, cut to its width; text of scripts that run to the left begins at the right."""
    shown = fit(clean(text), width, size)
    if not is_right_to_left(shown):
        return words(x, y, size, look, shown)
    at = f'x="{x + width:g}" y="{y:g}" font-size="{size:g}" direction="rtl"'
    return f'<text class="{look}" {at}>{xml(shown)}</text>'


def at(point: Point) -> str:
    """A point, as paths name it."""
    return f"{point[0]:g},{point[1]:g}"


def curve(start: Point, end: Point, reach: float | None = None) -> str:
    """A curve that leaves to the right and arrives from the left."""
    pull = max(18.0, (end[0] - start[0]) / 2) if reach is None else reach
    return f"C{start[0] + pull:g},{start[1]:g} {end[0] - pull:g},{end[1]:g} {at(end)}"


def arrow(parts: Sequence[str], look: str) -> str:
    """A line with a tip."""
    return f'<path class="edge {look}" d="{" ".join(parts)}" marker-end="url(#nexus-{look})"/>'


def bow(x: float, start: float, end: float, look: str) -> str:
    """A bow to the left, from one height to another."""
    reach = min(10.0, 4 + abs(end - start) / 12)
    way = f"M{x:g},{start:g} C{x - reach:g},{start:g} {x - reach:g},{end:g} {x:g},{end:g}"
    return f'<path class="edge thin {look}" d="{way}"/>'


#: The tips of lines, one for each look.
TIPS = (
    "<defs>"
    + "".join(
        f'<marker id="nexus-{name}" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="{size}" markerHeight="{size}" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="{look}" d="M0,0.5 L8,4 L0,7.5 z"/></marker>'
        for name, look, size in (("plain", "tip", 8), ("met", "tip-met", 8), ("critical", "tip-critical", 11))
    )
    + "</defs>"
)
