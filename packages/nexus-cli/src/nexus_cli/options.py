"""What commands share: their options, and how a command is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .session import Session

C = TypeVar("C", bound=click.Command)
F = TypeVar("F", bound=Callable[..., Any])

pass_session = click.make_pass_decorator(Session)

#: Flags, the environment variable that says the same, what it takes, what it is.
_PLACES = (
    ("--server --url", "NEXUS_URL", "ADDRESS", "The server; its key is taken from NEXUS_TOKEN, or from `nexus login`."),
    ("--config", "NEXUS_CONFIG", "FILE", "The configuration file."),
    ("--data-dir", "NEXUS_DATA_DIR", "FOLDER", "The data folder."),
)


def command(name: str, *, example: str, **attributes: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Declare a command: it gets the Session first, `--json` and the shared options, and shows its example."""

    def declare(function: Callable[..., Any]) -> click.Command:
        lines = "\n".join(f"  {line}" for line in example.splitlines())
        decorate = click.command(name, cls=click.Command, epilog=f"\b\nExample:\n{lines}", **attributes)
        return shared(decorate(pass_session(function)), hidden=True)

    return declare


def shared(made: C, *, hidden: bool) -> C:
    """Add the options that stand before or behind every command; `hidden` leaves the rarer ones out of its help."""
    made.params.append(_option("--json", _set_json, is_flag=True, help="Print one JSON document, the API's own."))
    taken = {flag for parameter in made.params for flag in parameter.opts}
    for flags, variable, metavar, text in _PLACES:
        # `repo add` has a --url of its own, the repository's; the server is --server there.
        free = " ".join(flag for flag in flags.split() if flag not in taken)
        made.params.append(_option(free, _setter(variable), metavar=metavar, help=text, hidden=hidden))
    debug = _option("--debug", _set_debug, is_flag=True, help="Show tracebacks.", hidden=hidden)
    made.params.append(debug)
    return made


def _option(flags: str, callback: Callable[..., Any], **attributes: Any) -> click.Option:
    return click.Option(flags.split(), expose_value=False, is_eager=True, callback=callback, **attributes)


def _set_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and ctx.obj is not None:
        ctx.obj.as_json = True


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and ctx.obj is not None:
        ctx.obj.environ["NEXUS_DEBUG"] = "1"


def _setter(variable: str) -> Callable[..., Any]:
    def remember(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None and ctx.obj is not None:
            ctx.obj.environ[variable] = value

    return remember


def repo_option(help: str = "owner/name; in a checkout of GitHub, that one; `all` for all.") -> Callable[[F], F]:
    """The option `--repo`; see scope.py for what becomes of it."""
    return click.option("--repo", "repository", metavar="OWNER/NAME", help=help)


def limit_options(function: F) -> F:
    """The options of a list."""
    every = click.option("--all", "everything", is_flag=True, help="All of them, page by page.")
    limit = click.option(
        "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many at most."
    )
    return limit(every(function))


def task_argument(name: str = "task", **attributes: Any) -> Callable[[F], F]:
    """An argument that names a task: `3` or `NX-3`."""
    return click.argument(name, metavar=attributes.pop("metavar", "TASK"), callback=_quoted, **attributes)


def _quoted(_: click.Context, __: click.Parameter, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_task(one) for one in value)
    return None if value is None else _task(value)


def _task(text: str) -> str:
    letters, _, number = text.strip().upper().rpartition("-")
    if not (number.isascii() and number.isdigit()) or (letters and not letters.isalnum()) or text.startswith("-"):
        raise click.BadParameter(f"{text[:40]!r} names no task; write its number or its key, such as 12 or NX-12")
    return f"{letters}-{number}" if letters else number
