"""The command `nexus`: parses, runs one command, and turns whatever happens into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from . import __version__, extensions, failures
from .lazy import LazyGroup, load
from .options import shared
from .session import Session
from .table import COMMANDS, EXAMPLES


class Root(LazyGroup):
    """The command `nexus` itself: our own commands, and those that installed packages yield."""

    def summaries(self, ctx: click.Context) -> dict[str, str]:
        """Our commands that are installed, then those of third parties."""
        installed = extensions.look()
        ours = {
            name: entry.summary
            for name, entry in self.entries.items()
            if not entry.distribution or entry.distribution in installed.ours
        }
        others = self._others(ctx) if installed.others else {}
        return ours | {name: record.summary for name, record in others.items()}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when nobody has one of this name."""
        entry = self.entries.get(cmd_name)
        if entry is not None and not entry.distribution:
            return load(cmd_name, entry)
        if cmd_name.startswith("-"):
            return None
        if entry is not None:
            os.environ.update(_environ(ctx))  # `--config` and its like reach the others this way
            return _as_command(extensions.load(cmd_name, entry.distribution, _environ(ctx)))
        record = self._others(ctx).get(cmd_name) if extensions.look().others else None
        return _as_command(record.load()) if record else None

    def _others(self, ctx: click.Context) -> dict[str, Any]:
        try:
            found = extensions.yielded(_environ(ctx))
        except Exception as error:  # a third party's plugin must not take `nexus --help` away
            click.echo(f"nexus: commands of plugins are missing here: {error}", err=True)
            return {}
        return {name: record for name, record in found.items() if name not in self.entries}


def _environ(ctx: click.Context) -> dict[str, str]:
    session = ctx.find_object(Session)
    return session.environ if session else dict(os.environ)


def _as_command(found: Any) -> click.Command:
    if not isinstance(found, click.Command):
        raise failures.Failure(f"a plugin yielded {found!r} as a command, which is none of click", "plugin")
    return found


root = shared(
    Root(
        name="nexus",
        entries=COMMANDS,
        help="One hub for many repositories and many coding agents.",
        epilog=EXAMPLES,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    ),
    hidden=False,
)
click.version_option(__version__, message="nexus %(version)s")(root)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    session = Session(os.environ)
    try:
        return _run(session, args)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failures.DONE
    except (KeyboardInterrupt, click.Abort):
        click.echo("nexus: interrupted", err=True)
        return failures.INTERRUPTED
    except Exception as error:
        if session.debug:
            raise
        return _report(session, error)
    finally:
        session.close()


def _run(session: Session, args: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")  # a terminal that cannot show a sign
    try:
        result = root.main(args, prog_name="nexus", standalone_mode=False, obj=session)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    sys.stdout.flush()
    return result if isinstance(result, int) else failures.DONE


def _report(session: Session, error: Exception) -> int:
    failure = error if isinstance(error, failures.Failure) else _failure_of(error)
    for index, line in enumerate(failure.lines()):
        session.note(line if index else f"nexus: {line}")
    if session.as_json:
        session.show_document(failure.problem, lambda screen, document: None)
    return failure.exit_code


def _failure_of(error: Exception) -> failures.Failure:
    errors = sys.modules.get("nexus_core.errors")
    if errors is None or not isinstance(error, errors.NexusError):
        message = f"something went wrong: {type(error).__name__}: {error} (--debug shows where)"
        return failures.Failure(message)
    faults = [{"pointer": place, "message": message} for place, message in getattr(error, "faults", ())]
    # The message of a configuration's error names the faults already.
    details = {"errors": faults} if faults and error.code != "configuration" else {}
    return failures.Failure(error.message, problem={"detail": error.message, "code": error.code, **details})
