"""What an expanding migration may do: add what code that does not know it need not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FOR_ONE_ENGINE = re.compile(r"/\*(?:pg|sqlite):(.*?)\*/", re.DOTALL)
_BODY = re.compile(r"\$\$.*?\$\$|\bbegin\b.*?\bend\b", re.DOTALL | re.IGNORECASE)  # of a function or a trigger
_SAID = re.compile(r"'[^']*'|--[^\n]*|/\*.*?\*/", re.DOTALL)  # texts and comments
_TABLE = re.compile(r"create table (?:if not exists )?(\w+) ?\(")
_INDEX = re.compile(r"create (unique )?index (?:concurrently )?(?:if not exists )?\w+ on (\w+) ?\(")
_NO_INDEX = re.compile(r"drop index (\w+)")
_COLUMN = re.compile(r"alter table (\w+) add column (?:if not exists )?(\w+) (.*)")
_DEFAULT = re.compile(r"alter table (\w+) alter (?:column )?(\w+) set default .*")
_PARAMETERS = re.compile(r"alter table \w+ set \(.*\)")
_UPDATE = re.compile(r"update (\w+) set (.*?)(?: where .*)?")
_INSERT = re.compile(r"insert into (\w+) ?\(.*")
_FUNCTION = re.compile(r"create function \w+ ?\(.*")
_TRIGGER = re.compile(r"create trigger \w+ before ([a-z ]+?) on (\w+) ?(.*)")
_ALWAYS = re.compile(r"alter table (\w+) enable always trigger \w+")
_REPLACES = "when exists (select 1 from {table} where id = new.id)"
_SET = re.compile(r"(\w+) ?=")


#: What no version ever changed: a trigger that refuses it is one that older code never meets.
APPEND_ONLY = frozenset({"events", "event_seals"})


def breaches(sql: str) -> list[str]:
    """The statements of a migration that older code might not bear, each with the reason."""
    new = _New()
    found = ((statement, new.refusal(statement)) for statement in _statements(sql))
    return [f"{statement[:80]}: {refusal}" for statement, refusal in found if refusal]


def dropped(sql: str) -> list[str]:
    """The indexes that a migration takes away."""
    return [match[1] for line in _statements(sql) if (match := _NO_INDEX.fullmatch(line))]


def _statements(sql: str) -> Iterator[str]:
    """Each in small letters, on one line, without what texts and comments say (those for one engine opened)."""
    opened = _FOR_ONE_ENGINE.sub(r"\1", sql)
    said = _SAID.sub(lambda match: "''" if match[0][0] == "'" else " ", opened)
    for statement in _BODY.sub(" ", said).split(";"):
        if line := " ".join(statement.lower().split()):
            yield line


class _New:
    """What the migration has added so far: to that it may do what it likes."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.columns: set[tuple[str, str]] = set()

    def refusal(self, line: str) -> str | None:
        """Why a statement may not stand here; None when it may."""
        if match := _TABLE.match(line):
            self.tables.add(match[1])
            return None
        if match := _COLUMN.fullmatch(line):
            self.columns.add((match[1], match[2]))
            return None if match[1] in self.tables else _column_refusal(match[3])
        if match := _INDEX.match(line):
            is_strict = match[1] and match[2] not in self.tables
            return "a unique index refuses what older code may write" if is_strict else None
        if match := _UPDATE.fullmatch(line):
            known = {name for name in _SET.findall(match[2]) if (match[1], name) not in self.columns}
            return f"it changes {', '.join(sorted(known))}" if known and match[1] not in self.tables else None
        if match := _INSERT.fullmatch(line):
            return None if match[1] in self.tables else "it adds rows that older code did not write"
        if match := _DEFAULT.fullmatch(line):
            return None if (match[1], match[2]) in self.columns or match[1] in self.tables else "it changes a default"
        if match := _TRIGGER.fullmatch(line):
            return self._trigger_refusal(*match.groups())
        if match := _ALWAYS.fullmatch(line):
            return None if match[1] in APPEND_ONLY | self.tables else "it does more than add"
        if _NO_INDEX.fullmatch(line):
            return None  # older code finds the same, and nothing but a unique one has a say: see `dropped`
        return None if _PARAMETERS.fullmatch(line) or _FUNCTION.fullmatch(line) else "it does more than add"

    def _trigger_refusal(self, moments: str, table: str, rest: str) -> str | None:
        if table in self.tables or (moments == "insert" and rest.startswith(_REPLACES.format(table=table))):
            return None
        if table in APPEND_ONLY and set(moments.split(" or ")) <= {"update", "delete", "truncate"}:
            return None
        return "a trigger acts on what older code writes"


def _column_refusal(definition: str) -> str | None:
    if "not null" in definition and "default" not in definition:
        return "older code writes no value for it"
    if "unique" in definition or "primary key" in definition:
        return "older code writes one value for all"
    return None
