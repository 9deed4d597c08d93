"""The picture as SVG: heading, bands of repositories, lines, cards, legend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from nexus_core.domain.graph import Graph
from nexus_core.domain.tasks import Status

from .cards import SMALL, WIDTH
from .face import face
from .ink import TIPS, arrow, at, curve, line_of_text, words
from .lettering import width_of, xml
from .looks import STATES, sign, style
from .plan import BAND_PADDING, make_plan
from .scene import Scene

MARGIN, HEADING = 24, 64
_LEAST_WIDTH = 560
_BEFORE_LEGEND = 28
_TIP = 7  #: room for the tip of a line


def svg(graph: Graph, prefix: str = "NX", *, now: datetime, home: str | None = None, note: str = "") -> str:
    """The graph as SVG; `note` says what was left out of it."""
    return _Picture(Scene(graph, prefix, now), home, note).draw()


class _Picture:
    """One picture."""

    def __init__(self, scene: Scene, home: str | None, note: str) -> None:
        self.scene = scene
        self.home = home
        self.note = note
        self.plan = make_plan(scene.cards, scene.lines(), home)
        self.left = MARGIN + (BAND_PADDING if self.plan.bands else 0)
        self.width = max(_LEAST_WIDTH, self.plan.width + 2 * self.left)

    def draw(self) -> str:
        """All of it."""
        legend, legend_height = self.legend(self.width - 2 * MARGIN)
        legend_top = HEADING + self.plan.height + _BEFORE_LEGEND
        size = f"{self.width:g} {legend_top + legend_height + MARGIN:g}"
        width, height = size.split()
        title, said = self.heading()
        return "".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{width}" height="{height}" '
            'role="img" aria-labelledby="nexus-title nexus-said" font-size="13">',
            f'<title id="nexus-title">{xml(title)}</title><desc id="nexus-said">{xml(said)}</desc>',
            f'<style>{style()}</style>{TIPS}<rect class="ground" width="{width}" height="{height}"/>',
            line_of_text(MARGIN, 30, 17, "name", title, self.width - 2 * MARGIN),
            line_of_text(MARGIN, 50, 12, "soft", said, self.width - 2 * MARGIN),
            *self.bands(),
            f'<g transform="translate({self.left:g},{HEADING:g})">',
            *self.lines(),
            *(face(self.scene, card, *self.plan.places[card.id]) for card in self.scene.cards),
            f'</g><g transform="translate({MARGIN:g},{legend_top:g})">{legend}</g></svg>\n',
        ])  # fmt: skip

    def heading(self) -> tuple[str, str]:
        """What it shows, in two lines."""
        tasks = self.scene.graph.tasks
        counts = {
            "ready": sum(state == "ready" for state in self.scene.states.values()),
            "open": sum(not task.status.is_closed for task in tasks),
            "done": sum(task.status is Status.DONE for task in tasks),
        }
        said = [f"{len(tasks)} task{'' if len(tasks) == 1 else 's'}"]
        said += [f"{number} {word}" for word, number in counts.items() if number]
        said += [f"longest chain of open tasks: {len(self.scene.path)}"] if self.scene.path else []
        said += [self.note] if self.note else []
        return f"Tasks of {self.home}" if self.home else "Tasks", " · ".join(said)

    def bands(self) -> Iterable[str]:
        """A band for each repository, with its name."""
        width = self.width - 2 * MARGIN
        for band in self.plan.bands:
            y = HEADING + band.top
            yield f'<rect class="band" x="{MARGIN}" y="{y:g}" width="{width:g}" height="{band.height:g}" rx="10"/>'
            yield line_of_text(MARGIN + BAND_PADDING, y + 22, 13, "soft name", band.name, width - 2 * BAND_PADDING)

    def lines(self) -> Iterable[str]:
        """The dependencies between cards, those of the critical path above the others."""
        looks = [(self.scene.look(on, task_id), on, task_id) for task_id, on in self.scene.edges]
        for look, on, task_id in sorted(looks, key=lambda line: line[0] == "critical"):
            if self.scene.card_of[on] is not self.scene.card_of[task_id]:
                yield self.line(on, task_id, look)

    def line(self, on: int, task_id: int, look: str) -> str:
        """A line from the right of one card to the left of another, through the places that are kept free for it."""
        one, other = self.scene.card_of[on], self.scene.card_of[task_id]
        (x, y), (to_x, to_y) = self.plan.places[one.id], self.plan.places[other.id]
        start, end = (x + WIDTH, y + one.middle_of(on)), (to_x - _TIP, to_y + other.middle_of(task_id))
        if end[0] < start[0]:  # part of a circle: it leads back
            return arrow([f"M{at(start)}", curve(start, end, 90)], look)
        parts = [f"M{at(start)}"]
        for place in self.plan.ways.get((one.id, other.id), ()):
            parts += [curve(start, place), f"H{place[0] + WIDTH:g}"]
            start = (place[0] + WIDTH, place[1])
        return arrow([*parts, curve(start, end)], look)

    def legend(self, width: float) -> tuple[str, float]:
        """What the signs and lines mean, of those that occur; and how high that is."""
        x, y, parts = 0.0, 8.0, []
        for draw, name in self.entries():
            needed = 30 + width_of(name, SMALL) + 18
            if x and x + needed > width:
                x, y = 0.0, y + 20
            parts += [draw(x, y), words(x + 30, y + 4, SMALL, "soft", name)]
            x += needed
        return "".join(parts), y + 8

    def entries(self) -> Iterable[tuple[Callable[[float, float], str], str]]:
        """The signs and lines that occur, with their names."""
        present = set(self.scene.states.values())
        yield from ((_sign_of(state), name) for state, (name, _, _) in STATES.items() if state in present)
        looks = {self.scene.look(on, task_id) for task_id, on in self.scene.edges}
        for look, name in (("plain", "waits for"), ("met", "waited for, now met"), ("critical", "longest chain")):
            if look in looks:
                yield _line_of(look), name


def _sign_of(state: str) -> Callable[[float, float], str]:
    return lambda x, y: sign(state, x + 18, y)


def _line_of(look: str) -> Callable[[float, float], str]:
    return lambda x, y: f'<path class="edge {look}" d="M{x:g},{y:g} h24"/>'
