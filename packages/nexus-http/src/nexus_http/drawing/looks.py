"""What a status looks like: a colour that colour-blind people can tell, and a sign that everybody can."""

from __future__ import annotations

from nexus_core.domain.tasks import Priority, Status, Task

#: State -> (name, colour on a light ground, colour on a dark one).
STATES: dict[str, tuple[str, str, str]] = {
    "ready": ("ready", "#9a6700", "#e3b341"),
    "pending": ("waiting", "#57606a", "#a5afb9"),
    "parked": ("parked", "#57606a", "#a5afb9"),
    "in-progress": ("in progress", "#0060a8", "#6cb6ff"),
    "review": ("in review", "#8a3b83", "#dc8fd4"),
    "done": ("done", "#00704d", "#4cc38a"),
    "blocked": ("blocked", "#b43c00", "#ff9a5c"),
    "deferred": ("deferred", "#6e7781", "#8b949e"),
    "cancelled": ("cancelled", "#6e7781", "#8b949e"),
}

#: State -> its sign, drawn around 0, 0 in a circle of 6.
_SIGNS = {
    "ready": '<path class="fill" d="M-4,-5.5 L5.5,0 L-4,5.5 z"/>',
    "pending": '<circle class="line" r="4.7"/>',
    "parked": '<circle class="line" r="4.7"/><path class="line" d="M0,-2.8 V0.3 L2,2"/>',
    "in-progress": '<circle class="line" r="4.7"/><path class="fill" d="M0,-4.7 A4.7,4.7 0 0 1 0,4.7 z"/>',
    "review": '<path class="line" d="M-6,0 Q0,-6.5 6,0 Q0,6.5 -6,0 z"/><circle class="fill" r="2"/>',
    "done": '<circle class="fill" r="5.5"/><path class="mark" d="M-2.7,0.2 L-0.7,2.3 L2.9,-2"/>',
    "blocked": '<rect class="fill" x="-5" y="-5" width="10" height="10" rx="1"/><path class="mark" d="M-2.7,0 H2.7"/>',
    "deferred": '<circle class="line" r="4.7" stroke-dasharray="1.8 1.9"/>',
    "cancelled": '<path class="line" d="M-4,-4 L4,4 M4,-4 L-4,4"/>',
}
PRIORITIES = {Priority.CRITICAL: "▲▲ critical", Priority.HIGH: "▲ high", Priority.LOW: "▽ low"}


def state_of(task: Task, *, is_ready: bool, is_parked: bool) -> str:
    """Which look a task has: its status, and of pending ones whether they are ready or parked."""
    if task.status is not Status.PENDING:
        return str(task.status)
    return "ready" if is_ready else "parked" if is_parked else "pending"


def sign(state: str, x: float, y: float, scale: float = 1.0) -> str:
    """The sign of a state at a place."""
    size = "" if scale == 1 else f" scale({scale:g})"
    return f'<g class="{state}" transform="translate({x:g},{y:g}){size}">{_SIGNS[state]}</g>'


def style() -> str:
    """The style sheet: plain classes with colours, so that old renderers see the light ground at least."""
    light = {state: light for state, (_, light, _) in STATES.items()}
    dark = {state: dark for state, (_, _, dark) in STATES.items()}
    return f"{_FORM}{_colours(light, *_LIGHT)}@media (prefers-color-scheme:dark){{{_colours(dark, *_DARK)}}}"


_FORM = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}"
    ".line{fill:none;stroke-width:1.6;stroke-linecap:round}.mark{fill:none;stroke-width:1.8;stroke-linecap:round}"
    ".edge{fill:none;stroke-width:1.4}.met{stroke-dasharray:2 4;stroke-linecap:round}"
    ".critical{stroke-width:3.4}.thin{stroke-width:1.1}.thin.critical{stroke-width:2.2}.title{font-weight:600}.name{font-weight:700}.over{text-decoration:line-through}"
    ".card{stroke-width:1}.card.on-path{stroke-width:2.6}"
)
#: Ground, band, card, border, text, soft text, line, line of what is met, critical path.
_LIGHT = ("#ffffff", "#f4f6f8", "#ffffff", "#d0d7de", "#1f2328", "#57606a", "#6e7781", "#a3acb5", "#c2185b")
_DARK = ("#0d1117", "#151b23", "#1c232c", "#3d444d", "#e6edf3", "#a5afb9", "#848d97", "#5b6570", "#ff7aa2")


def _colours(states: dict[str, str], *names: str) -> str:
    ground, band, card, border, text, soft, line, met, path = names
    rules = [
        f".ground{{fill:{ground}}}.band{{fill:{band}}}.card{{fill:{card};stroke:{border}}}.card.on-path{{stroke:{path}}}"
        f"text{{fill:{text}}}.soft{{fill:{soft}}}.edge{{stroke:{line}}}.tip{{fill:{line}}}.met{{stroke:{met}}}"
        f".tip-met{{fill:{met}}}.critical{{stroke:{path}}}.tip-critical{{fill:{path}}}.mark{{stroke:{ground}}}"
        f".track{{fill:{border}}}.rule{{stroke:{border}}}.on{{fill:{path}}}"
    ]
    for state, colour in states.items():
        rules.append(f".{state} .fill,.{state}.stripe{{fill:{colour}}}.{state} .line{{stroke:{colour}}}")
        rules.append(f".{state}.word{{fill:{colour}}}")
    return "".join(rules)
