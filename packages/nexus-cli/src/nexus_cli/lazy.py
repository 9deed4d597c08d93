"""Groups that know their commands by name and summary, and import one when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from .table import Entry


class LazyGroup(click.Group):
    """A group over a table of entries."""

    def __init__(self, *, entries: Mapping[str, Entry], default: str | None = None, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.entries = entries
        self.default = default

    def summaries(self, ctx: click.Context) -> dict[str, str]:
        """What the group offers, in the order in which it is shown."""
        return {name: entry.summary for name, entry in self.entries.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self.summaries(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of this name."""
        entry = self.entries.get(cmd_name)
        return None if entry is None else load(cmd_name, entry)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in the default command where none is named."""
        if self.default is not None and not ctx.resilient_parsing and not _names_one(args):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. :raises click.UsageError: with names that are near"""
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing and not args[0].startswith("-"):
            raise click.UsageError(self._unknown(ctx, args[0]), ctx)
        return super().resolve_command(ctx, args) if command is None else (args[0], command, args[1:])

    def _unknown(self, ctx: click.Context, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self.list_commands(ctx), 3)
        return f"there is no command {name!r}." + (f" Did you mean {' or '.join(near)}?" if near else "")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and summaries."""
        if rows := list(self.summaries(ctx).items()):
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Offer the names, then the options."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries(ctx).items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


def _names_one(args: list[str]) -> bool:
    return bool(args) and (not args[0].startswith("-") or args[0] in ("--help", "-h"))


def load(name: str, entry: Entry) -> click.Command:
    """The command of one of our own entries."""
    if entry.children:
        summary = f"{entry.summary}." + (f" Without a command: {entry.default}." if entry.default else "")
        return LazyGroup(name=name, help=summary, entries=entry.children, default=entry.default, no_args_is_help=True)
    module, _, attribute = entry.home.partition(":")
    command: click.Command = getattr(import_module(f"nexus_cli.commands.{module}"), attribute)
    return command
