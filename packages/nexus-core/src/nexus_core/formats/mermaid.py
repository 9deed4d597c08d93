"""The dependency graph as a Mermaid diagram."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from ..domain.tasks import Status, Task, task_key

MOST_LINES = 450
"""Mermaid draws nothing at all when a diagram has more than 500 lines between nodes."""
_LONGEST = 48

#: Status -> class, and a sign that says the same without its colour.
_LOOKS = {
    Status.DONE: ("done", "✓"),
    Status.CANCELLED: ("cancelled", "✕"),
    Status.IN_PROGRESS: ("active", "◐"),
    Status.REVIEW: ("review", "◉"),
    Status.BLOCKED: ("blocked", "■"),
    Status.DEFERRED: ("deferred", "◌"),
    Status.PENDING: ("pending", "○"),
}
_READY = ("ready", "▶")
_STYLES = (
    "classDef done fill:#d3f4dc,stroke:#2da44e,color:#116329",
    "classDef cancelled fill:#eeeeee,stroke:#8c959f,color:#57606a",
    "classDef active fill:#ddf4ff,stroke:#0969da,color:#0550ae",
    "classDef review fill:#fbefff,stroke:#8250df,color:#6639ba",
    "classDef blocked fill:#ffebe9,stroke:#cf222e,color:#a40e26",
    "classDef deferred fill:#f6f8fa,stroke:#8c959f,color:#57606a",
    "classDef pending fill:#ffffff,stroke:#8c959f,color:#24292f",
    "classDef ready fill:#fff8c5,stroke:#bf8700,color:#7d4e00",
    "classDef note fill:none,stroke:none,color:#8c959f",
)
#: What Mermaid would take for the end of a label, for HTML, a comment, a directive, or for its own style definitions.
_SIGNS = re.compile(r"""["#&<>`%]|s(?=tyle)|c(?=lassDef)""")
#: What it would take for a line break, a formula or an icon even so: something invisible behind each keeps them apart.
_PAIRS = re.compile(r"[\\$]|:(?=fa-)")
_APART = "#8203;"
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def to_mermaid(
    tasks: Sequence[Task],
    *,
    home: str | None = None,
    prefix: str = "NX",
    ready: Collection[int] = (),
    path: Sequence[int] = (),
    edges: Sequence[tuple[int, int]] | None = None,
    note: str = "",
) -> str:
    """A flowchart: prerequisites on the left, the critical path thick, what is satisfied dotted.

    `edges` are (task, the task that it depends on), where the tasks themselves do not say so. Tasks of other
    repositories than `home` are framed with their repository's name; `note` is shown beside it all.
    """
    if edges is None:
        edges = [(task.id, on) for task in tasks for on in task.dependencies]
    lines = ["flowchart LR"]
    for repository in dict.fromkeys(task.repository for task in tasks):
        those = [_node(task, prefix, ready) for task in tasks if task.repository == repository]
        lines += those if repository in (home, None) else _framed(repository or "", those, len(lines))
    lines += _arrows({task.id: task for task in tasks}, edges, set(pairwise(path)))
    if note:
        lines.append(f'  note["{label(note, 200)}"]:::note')
    return "\n".join([*lines, *(f"  {style}" for style in _STYLES)]) + "\n"


def _node(task: Task, prefix: str, ready: Collection[int]) -> str:
    name, sign = _READY if task.id in ready else _LOOKS[task.status]
    return f'  t{task.id}["{sign} {task_key(task.id, prefix)}<br/>{label(task.title)}"]:::{name}'


def _framed(repository: str, nodes: Iterable[str], number: int) -> list[str]:
    return [f'  subgraph r{number}["{label(repository, 200)}"]', *(f"  {node}" for node in nodes), "  end"]


def _arrows(tasks: Mapping[int, Task], edges: Sequence[tuple[int, int]], steps: set[tuple[int, int]]) -> list[str]:
    """The dependencies; of more than Mermaid draws, those that still count."""
    pairs = [(on, task_id) for task_id, on in edges if on in tasks and task_id in tasks]
    if len(pairs) > MOST_LINES:
        pairs = sorted(pairs, key=lambda pair: (pair not in steps, tasks[pair[0]].status.is_closed))[:MOST_LINES]
    return [f"  t{on} {_arrow(tasks[on], (on, task_id) in steps)} t{task_id}" for on, task_id in pairs]


def _arrow(on: Task, is_step: bool) -> str:
    return "==>" if is_step else "-.->" if on.status.is_closed else "-->"


def label(text: str, longest: int = _LONGEST) -> str:
    """A text as Mermaid takes it within quotes, and shows it letter by letter.

    >>> label('say "<b>"')
    'say #34;#60;b#62;#34;'
    """
    line = " ".join(_INVISIBLE.sub(" ", text).split())
    short = line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
    plain = _SIGNS.sub(lambda found: f"#{ord(found[0])};", short)
    return _PAIRS.sub(lambda found: found[0] + _APART, plain)
