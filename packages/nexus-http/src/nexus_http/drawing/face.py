"""The face of a card: its key and state, its title, and a row for each subtask."""

from __future__ import annotations

from collections.abc import Iterable

from nexus_core.domain.tasks import Status, Task

from .cards import BOLD, HEAD, LINE, PADDING, ROW_SIZE, SMALL, TITLE_SIZE, WIDTH, Card, Row
from .ink import bow, ended_words, line_of_text, words
from .lettering import clean, fit, width_of, xml
from .looks import PRIORITIES, STATES, sign
from .scene import Scene


def face(scene: Scene, card: Card, x: float, y: float) -> str:
    """A card at a place."""
    task, state = card.task, scene.states[card.id]
    on_path = " on-path" if scene.is_on_path(card) else ""
    return "".join([
        f'<g transform="translate({x:g},{y:g})"><title>{xml(scene.tooltip(task))}</title>',
        f'<rect class="card{on_path}" width="{WIDTH}" height="{card.height:g}" rx="8"/>',
        f'<path class="stripe {state}" d="M0,8 a8,8 0 0 1 8,-8 H{WIDTH - 8} a8,8 0 0 1 8,8 v-3 H0 z"/>',
        _head(scene, task, state),
        *_title(card),
        _progress(card),
        *_bows(scene, card),
        *(_row(scene, row) for row in card.rows),
        _folded(card),
        "</g>",
    ])  # fmt: skip


def _head(scene: Scene, task: Task, state: str) -> str:
    """The line that says key, state, who holds it, and how urgent it is."""
    key = scene.key(task)
    begin = PADDING + 18 + width_of(key, 12) * BOLD + 8
    rank = PRIORITIES.get(task.priority, "") if not task.status.is_closed else ""
    room = WIDTH - PADDING - begin - (width_of(rank, SMALL) + 8 if rank else 0)
    word = STATES[state][0] + (f", {task.agent}" if task.agent else "")
    return "".join([
        sign(state, PADDING + 6, 17),
        words(PADDING + 18, 21, 12, f"name{_on(scene, task)}", key),
        words(begin, 21, SMALL, f"word {state}", fit(clean(word), room, SMALL)),
        ended_words(WIDTH - PADDING, 21, SMALL, "soft", rank) if rank else "",
    ])  # fmt: skip


def _title(card: Card) -> Iterable[str]:
    look, width = f"title{_faded(card.task)}", WIDTH - 2 * PADDING
    for number, line in enumerate(card.title):
        yield line_of_text(PADDING, HEAD + LINE * (number + 0.8), TITLE_SIZE, look, line, width)


def _progress(card: Card) -> str:
    """How many of a card's subtasks are closed, as a bar."""
    if not card.number:
        return ""
    y, width = HEAD + LINE * len(card.title) + 6, WIDTH - 2 * PADDING
    bar = f'<rect class="{{}}" x="{PADDING}" y="{y:g}" width="{{:g}}" height="3" rx="1.5"/>'
    done = round(width * card.closed / card.number, 1)
    return bar.format("track", width) + (bar.format("done stripe", done) if done else "")


def _bows(scene: Scene, card: Card) -> Iterable[str]:
    """Bows on the left edge, between those rows that wait for each other."""
    for row in card.rows:
        for on in scene.waits(row.task.id):
            if scene.card_of[on] is card:
                yield bow(PADDING + 2, card.middle_of(on), row.y, scene.look(on, row.task.id))


def _row(scene: Scene, row: Row) -> str:
    """A subtask."""
    task, key = row.task, scene.key(row.task)
    x = PADDING + 11 + 12 * min(row.depth, 4)
    begin = x + 11 + width_of(key, SMALL) * BOLD + 5
    return "".join([
        f"<g><title>{xml(scene.tooltip(task))}</title>",
        sign(scene.states[task.id], x, row.y, 0.78),
        words(x + 11, row.y + 4, SMALL, f"name soft{_on(scene, task)}", key),
        line_of_text(begin, row.y + 4, ROW_SIZE, f"row{_faded(task)}", task.title, WIDTH - begin - 8),
        "</g>",
    ])  # fmt: skip


def _folded(card: Card) -> str:
    said = f"… and {card.folded} more subtasks"
    return words(PADDING + 6, card.height - 13, SMALL, "soft", said) if card.folded else ""


def _on(scene: Scene, task: Task) -> str:
    return " on" if task.id in scene.path else ""


def _faded(task: Task) -> str:
    return " soft over" if task.status is Status.CANCELLED else " soft" if task.status.is_closed else ""
