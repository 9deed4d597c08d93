"""Writes docs/reference/*.md from the code that they describe: `uv run nox -s reference`.

`pages()` answers them as texts; tests/docs holds the files to it, so that the reference never says what was true once.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import os
import re
import textwrap
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from nexus_core import __version__, errors
from nexus_core.config import Config
from nexus_core.domain import events
from nexus_core.domain.agents import Agent
from nexus_core.nexus import assemble
from nexus_core.plugins import hookspecs, records
from nexus_core.settings_table import CORE_SETTINGS

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- Made from the code by `uv run nox -s reference`; change the code, not this file. -->\n"
FIRST_PARTY = ("agents", "demo", "github", "http", "postgres", "slack", "worker")


def pages() -> dict[str, str]:
    """Every page, by file name."""
    made = {
        "hooks.md": hooks_page(), "errors.md": errors_page(), "settings.md": settings_page(),
        "events.md": events_page(), "findings.md": findings_page(), "commands.md": commands_page(),
        "http.md": http_page(),
    }  # fmt: skip
    return {name: f"{MADE}\n{text.strip()}\n" for name, text in made.items()}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def prose(thing: object) -> str:
    """A docstring, unwrapped: one line a paragraph; indented parts stay as they are."""
    parts = (inspect.getdoc(thing) or "").split("\n\n")
    return "\n\n".join(part if part.startswith(" ") else " ".join(part.split()) for part in parts)


def first(thing: object) -> str:
    """The first paragraph of a docstring."""
    return prose(thing).split("\n\n")[0]


# Hooks and records ----------------------------------------------------------------------------------------------------


def hooks_page() -> str:
    """Every hook, with its example and the record that it yields."""
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("nexus_")}
    comments = comments_of(records)
    parts = [
        "# Hooks",
        "A plugin is a module with functions of these names, marked `@nexus_core.hookimpl`, that *yield records*. All "
        "are called once, when a hub opens; what stands in the records is called later, each alone. An unknown hook is "
        "refused, and so are two records of one name, naming both distributions. "
        "[Writing a plugin](../plugins/README.md) builds one step by step.",
        table(("hook", "what it is for"), [(f"[`{name}`](#{name})", first(hook)) for name, hook in hooks.items()]),
    ]
    for name, hook in hooks.items():
        said, _, example = prose(hook).partition("\n\n")
        kind = str(hook.__annotations__["return"]).partition("records.")[2].rstrip("]")
        example = textwrap.indent(example.removeprefix("Example:").strip(), "    ")
        parts += [f"## {name}", said, f"```python\n@nexus_core.hookimpl\ndef {name}():\n{example}\n```"]
        parts += record_parts(getattr(records, kind), comments)
    also = (records.Setting, records.Document, records.NotChecked)
    parts += ["## Parts of records", *(part for kind in also for part in record_parts(kind, comments))]
    return "\n\n".join(parts)


def record_parts(kind: type, comments: dict[tuple[str, str], str]) -> list[str]:
    """A record: what it says of itself, and its fields."""
    fields = attrs.fields(kind)
    said = {field.name: comments.get((kind.__name__, field.name), "") for field in fields}
    rows = [(f"`{one.name}`", f"`{shown_type(one)}`", shown_default(one), said[one.name]) for one in fields]
    return [f"**`{kind.__name__}`**: {prose(kind)}", table(("field", "type", "default", "meaning"), rows)]


def shown_type(field: Any) -> str:
    """A field's type as it is written."""
    return field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))


def shown_default(field: Any) -> str:
    """A field's default; `required` without one."""
    if field.default is attrs.NOTHING:
        return "required"
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type] # a class at run time
        return f"`{field.default.factory()!r}`"
    return f"`{plain(field.default)}`"


def plain(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 60}m" if seconds and seconds % 60 == 0 else f"{seconds}s"
    return repr(value)


def comments_of(module: ModuleType) -> dict[tuple[str, str], str]:
    """The `#:` comments of a module's classes: (class, field) -> what is said of it."""
    lines = inspect.getsource(module).splitlines()
    found = {}
    for node in ast.parse("\n".join(lines)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                found[node.name, part.target.id] = comment_at(lines, part)
    return found


def comment_at(lines: list[str], part: ast.AnnAssign) -> str:
    """The comment behind a field, or those on the lines before it."""
    behind = lines[(part.end_lineno or part.lineno) - 1].partition("#:")[2].strip()
    before: list[str] = []
    line = part.lineno - 2
    while lines[line].strip().startswith("#:"):
        before.insert(0, lines[line].strip()[2:].strip())
        line -= 1
    return behind or " ".join(before)


# Errors ---------------------------------------------------------------------------------------------------------------


def errors_page() -> str:
    """Every error code, with its status and exit code."""
    from nexus_cli.failures import EXIT_BY_CODE
    from nexus_http.problems import HTTP_CODES, STATUSES

    tree = [error for error in errors.all_errors() if error.__module__ == errors.__name__]
    rows = []
    for error in tree:
        status = next((STATUSES[kind] for kind in error.__mro__ if kind in STATUSES), 500)
        rows.append(
            (f"`{error.code}`", f"`{error.__name__}`", str(status), str(EXIT_BY_CODE[error.code]), prose(error))
        )
    known = {error.code for error in tree}
    of_http = [(f"`{code}`", str(status), said) for status, (code, said) in HTTP_CODES.items() if code not in known]
    example = (
        '{"type": "/docs#problem-cycle", "title": "Conflict", "status": 409, "code": "cycle",\n'
        ' "detail": "this would close a cycle: NX-8 (acme/api) → NX-27 (acme/web) → NX-8 (acme/api)",\n'
        ' "path": [8, 27, 8], "names": ["NX-8 (acme/api)", "NX-27 (acme/web)", "NX-8 (acme/api)"],\n'
        ' "request_id": "…"}'
    )
    return "\n\n".join(
        [
            "# Errors",
            "One tree of errors serves the library, the API and the command line. The **code** is stable: programs "
            "decide by it. In Python, `error.code`, `error.message` and `error.details`; over HTTP, a problem after "
            "RFC 9457; on the command line, one line on standard error and an exit code (with `--json` the problem "
            "on standard output).",
            f"```json\n{example}\n```",
            "For bad input, `errors` lists every fault with its JSON pointer, not only the first.",
            table(("code", "class in `nexus_core.errors`", "HTTP", "exit code", "meaning"), rows),
            "A stale write answers 412 instead of 409 when the request carried `If-Match`.",
            "## Of HTTP itself",
            "The domain knows none of these.",
            table(("code", "HTTP", "meaning"), of_http),
            "## Exit codes",
            table(
                ("exit code", "meaning"),
                [
                    ("0", "done"),
                    ("1", "something unexpected; or `nexus doctor` or `nexus task doctor --strict` found something"),
                    ("2", "bad input or usage"), ("3", "not found"),
                    ("4", "conflict: stale, a cycle, not ready"), ("5", "not allowed"),
                    ("75", "try again: something is not reachable at the moment"), ("130", "interrupted"),
                ],
            ),
        ]
    )  # fmt: skip


# Settings -------------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """Every setting: of the core, of agents, of the first-party plugins."""
    core = [setting_row(one) for one in CORE_SETTINGS]
    comments = comments_of(inspect.getmodule(Agent))  # type: ignore[arg-type] # a class has a module
    agent = [
        (f"`{field.name}`", shown_default(field), comments.get(("Agent", field.name), ""))
        for field in attrs.fields(Agent)
        if field.name != "name"
    ]
    parts = [
        "# Settings",
        "`nexus.toml` is looked for at `--config`, `$NEXUS_CONFIG`, `./nexus.toml` and in the user's configuration "
        "folder. The environment wins over the file, a flag over both. A dot in a key is a table: `worker.lease` is "
        "`lease` in `[worker]`. Lengths of time are written `30s`, `45m`, `1h30m`. All faults are reported at once; "
        "`nexus config` shows every value and where it came from, secrets masked.",
        "## Core",
        table(("key", "environment", "default", "meaning"), core),
        "## Agents: `[agents.<name>]`",
        "An agent with a `command` or a `preset` is *launched* by Nexus; one without is *attached*: it claims its work "
        "through the API.",
        table(("key", "default", "meaning"), agent),
        "## Plugins: `[plugins.<name>]`",
        "`optional = true` in any of these tables lets the hub start without that plugin when it cannot be imported.",
    ]
    for name, declared in first_party().settings_records.items():
        rows = [setting_row(one) for one in declared.settings]
        parts += [f"### `[plugins.{name}]`", table(("key", "environment", "default", "meaning"), rows)]
    return "\n\n".join(parts)


def setting_row(one: Any) -> tuple[str, ...]:
    """A setting as a row of a table."""
    secret = " *(secret)*" if one.secret else ""
    return f"`{one.key}`", variable(one.env), shown_setting(one.default), one.doc + secret


def first_party() -> Any:
    """The records of the first-party plugins, without a hub."""
    found = assemble(Config())
    strangers = {info.name for info in found.info()} - {*FIRST_PARTY, "core"}
    if strangers:
        raise SystemExit(f"the reference describes first-party plugins only; uninstall {', '.join(sorted(strangers))}")
    return found


def variable(name: str | None) -> str:
    """An environment variable in code, or a dash."""
    return f"`{name}`" if name else "–"


def shown_setting(value: Any) -> str:
    """A default as it would be written in the file, or a dash."""
    if value is None or value == ():
        return "–"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


# Events ---------------------------------------------------------------------------------------------------------------


def events_page() -> str:
    """Every type of event with its payload."""
    rows = [(f"`{name}`", f"`{kind.__name__}`", prose(kind)) for name, kind in sorted(events.EVENT_TYPES.items())]
    comments = comments_of(events)
    common = [
        (f"`{field.name}`", f"`{shown_type(field)}`", comments.get(("Event", field.name), ""))
        for field in attrs.fields(events.Event)
    ]
    return "\n\n".join(
        [
            "# Events",
            "One append-only table holds everything that happened: facts from inside, named `noun.verb` in the past "
            "tense, and webhooks from outside, named `<source>.<kind>` such as `github.pull_request.closed`. Follow it "
            "with `GET /api/v1/events?after=…`, as server-sent events, with `nexus events --follow`, or with a "
            "handler: `EventHandler(name=…, on=nexus_core.TaskCompleted, call=…)`.",
            "## Fields of every event",
            table(("field", "type", "meaning"), common),
            "## Types",
            table(("type", "class in `nexus_core`", "meaning and payload"), rows),
        ]
    )


# Findings -------------------------------------------------------------------------------------------------------------


def findings_page() -> str:
    """Every check of the doctor of tasks, with how it is mended."""
    from nexus_core.domain.checks.table import CHECKS
    from nexus_core.formats.taskmaster_checkup import CHECKS as IN_FILES
    from nexus_core.services.checkup import FILE_WARNING

    head = ("code", "severity", "what is so", "meanwhile", "Nexus mends", "a person mends")
    return "\n\n".join(
        [
            "# Findings",
            "What `nexus task doctor` and `GET /api/v1/tasks/doctor` look for. The **code** is stable. An *error* says "
            "that tasks were left out, cannot be told apart or can never be done; a *warning* that somebody should "
            "look; a *note* that work goes on all the same. A mend in **bold** asks for no decision: plain `--fix` "
            "makes it. The others are made when they are named: `--fix --only code`, or `--fix --only code:mend` where "
            "there are several. [Mend tasks](../how-to/mend-tasks.md) shows it step by step.",
            "## In live tasks",
            table(head, [finding_row(check) for check in CHECKS]),
            "## In Taskmaster's files",
            table(head, [finding_row(check) for check in IN_FILES]),
            "## In files of other formats",
            table(head, [finding_row(FILE_WARNING)]),
        ]
    )


def finding_row(check: Any) -> tuple[str, ...]:
    """A check as a row of a table."""
    mends = [f"**`{one.name}`** {one.does}" if one.automatic else f"`{one.name}` {one.does}" for one in check.mends]
    said = (check.meanwhile, "; ".join(mends), check.advice)
    return f"`{check.code}`", str(check.severity), check.one, *(words or "–" for words in said)


# Commands -------------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """The help of every command."""
    parts = [
        "# Commands",
        "Every command has `--help` and `--json`; groups show their commands. Exit codes are those of "
        "[Errors](errors.md#exit-codes). For completion in your shell, "
        'put `eval "$(_NEXUS_COMPLETE=bash_source nexus)"` into its start-up file (`zsh_source`, `fish_source`).',
    ]
    for path in command_paths():
        name = " ".join(("nexus", *path))
        parts += [f"## {name}" if len(path) < 2 else f"### {name}", f"```text\n{help_of(path)}\n```"]
    return "\n\n".join(parts)


def command_paths() -> list[tuple[str, ...]]:
    """The words of every command, groups before what is in them."""
    from nexus_cli.table import COMMANDS

    found: list[tuple[str, ...]] = [()]
    for name, entry in COMMANDS.items():
        found += [(name,), *((name, child) for child in entry.children)]
    return found


def help_of(path: tuple[str, ...]) -> str:
    """What `nexus … --help` prints."""
    from nexus_cli.main import main

    os.environ["COLUMNS"] = "100"
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        main([*path, "--help"])
    return output.getvalue().strip()


# HTTP -----------------------------------------------------------------------------------------------------------------


def http_page() -> str:
    """Every route with its scope, what it takes and answers."""
    parts = [
        "# HTTP",
        "The server describes itself: `/openapi.json` (OpenAPI 3.1) and `/docs`, which works offline. This page is the "
        "overview. Everything below `/api/v1` takes `Authorization: Bearer <key>` and speaks JSON in UTF-8; errors are "
        "[problems](errors.md). Lists take `limit` (50, at most 200) and `cursor`, and answer "
        '`{"items": […], "next_cursor": …}`.',
    ]
    rows = []
    for path, method, declared in operations():
        fields = (*declared.query, *(declared.body or ()))
        takes = dict.fromkeys(f"`{field.name}`{'*' if field.required else ''}" for field in fields)
        rows.append(
            (
                f"`{method} {path}`",
                f"`{declared.scope}`",
                declared.summary,
                ", ".join(takes) or "–",
                str(declared.status),
            )
        )
    parts += [table(("route", "scope", "does", "takes (* required)", "answers"), rows)]
    parts += ["`public` asks for no key, `authenticated` for any. Plugins may add routes and webhook sources."]
    return "\n\n".join(parts)


def operations() -> Iterator[tuple[str, str, Any]]:
    """Path, method and declaration of every operation."""
    from nexus_http.operations import operation_of
    from nexus_http.routes import all_routes

    for path, entry in all_routes():
        resource = entry.load()
        for method in entry.methods:
            yield re.sub(r"\{(\w+):[^}]*\}", r"{\1}", path), method, operation_of(resource, method)


def main() -> None:
    """Write the pages that read differently now."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote docs/reference/{name} ({__version__})")


if __name__ == "__main__":
    main()
