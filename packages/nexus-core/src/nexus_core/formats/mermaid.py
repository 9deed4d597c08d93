"""The dependency graph as a Mermaid diagram."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from ..domain.tasks import Status, Task, task_key

_CLASSES = {
    Status.DONE: "done",
    Status.CANCELLED: "cancelled",
    Status.IN_PROGRESS: "active",
    Status.REVIEW: "review",
    Status.BLOCKED: "blocked",
    Status.DEFERRED: "deferred",
    Status.PENDING: "pending",
}
_STYLES = (
    "classDef done fill:#d3f4dc,stroke:#2da44e,color:#116329",
    "classDef cancelled fill:#eeeeee,stroke:#8c959f,color:#57606a",
    "classDef active fill:#ddf4ff,stroke:#0969da,color:#0550ae",
    "classDef review fill:#fbefff,stroke:#8250df,color:#6639ba",
    "classDef blocked fill:#ffebe9,stroke:#cf222e,color:#a40e26",
    "classDef deferred fill:#f6f8fa,stroke:#8c959f,color:#57606a",
    "classDef pending fill:#ffffff,stroke:#8c959f,color:#24292f",
    "classDef ready fill:#fff8c5,stroke:#bf8700,color:#7d4e00",
)


def to_mermaid(
    tasks: Sequence[Task],
    *,
    home: str | None = None,
    prefix: str = "NX",
    ready: Collection[int] = (),
    path: Collection[int] = (),
) -> str:
    """A flowchart: prerequisites on the left, the critical path drawn thick.

    Tasks of another repository than `home` carry its name.
    """
    shown = {task.id for task in tasks}
    critical = list(path)
    steps = set(pairwise(critical))
    lines = ["flowchart LR"]
    for task in tasks:
        style = "ready" if task.id in ready else _CLASSES[task.status]
        where = f"{task.repository} · " if task.repository and task.repository != home else ""
        lines.append(f'  t{task.id}["{where}{task_key(task.id, prefix)}<br/>{_label(task.title)}"]:::{style}')
    for task in tasks:
        for on in task.dependencies:
            if on in shown:
                lines.append(f"  t{on} {'==>' if (on, task.id) in steps else '-->'} t{task.id}")
    return "\n".join([*lines, *(f"  {style}" for style in _STYLES)]) + "\n"


def _label(text: str) -> str:
    """A title as Mermaid takes it within quotes: entities for what would end the label or make HTML of it."""
    short = text if len(text) <= 48 else text[:47].rstrip() + "…"
    for sign, entity in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;"), ("\\", "#92;")):
        short = short.replace(sign, entity)
    return " ".join(short.split())
