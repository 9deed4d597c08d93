"""The tasks of an opened file of JSON Lines."""

from __future__ import annotations

from .jsonl_file import Line, Lines, parents_first
from .model import ParsedTask


def read_tasks(file: Lines) -> list[ParsedTask]:
    """Every line as a task, parents first, with warnings added to the file."""
    lines = [line for line in file.lines if not line.is_repeat]
    parents = _Parents(file, lines)
    return [_read(file, line, parents) for line in parents_first(lines, parents.within)]


class _Parents:
    """Which line is part of which."""

    def __init__(self, file: Lines, lines: list[Line]) -> None:
        self.within: dict[str, str] = {}  # by key; both are lines of the file
        self.outside: dict[str, str] = {}
        for line in lines:
            name = line.fields.parent
            if name in file.names and name is not None:
                self._put(file, line, file.names[name].key)
            elif name is not None:
                self.outside[line.key] = name

    def _put(self, file: Lines, line: Line, parent: str) -> None:
        if line.key in (parent, *self.above(parent)):
            said = f"it would be part of itself, through {parent[:60]}"
            file.warn(line, "parent", "parent_loop", said, "imported as part of none")
        else:
            self.within[line.key] = parent

    def of(self, key: str) -> str | None:
        """The parent of a line."""
        return self.within.get(key) or self.outside.get(key)

    def above(self, key: str) -> list[str]:
        """The parent, its parent and so on."""
        found: list[str] = []
        while (parent := self.within.get(found[-1] if found else key)) is not None:
            found.append(parent)
        return found


def _read(file: Lines, line: Line, parents: _Parents) -> ParsedTask:
    links = _Links(file, line, parents)
    said = line.fields.given
    return ParsedTask(
        external_key=line.key,
        title=line.fields.title,
        parent_key=parents.of(line.key),
        dependencies=tuple(links.within),
        references=tuple(links.outside),
        said=said,
        **line.fields.values,
    )


class _Links:
    """What a line waits for: lines of the file, and tasks elsewhere."""

    def __init__(self, file: Lines, line: Line, parents: _Parents) -> None:
        self.within: dict[str, None] = {}  # keys, in order
        self.outside: dict[str, None] = {}
        for number, name in enumerate(line.fields.dependencies):
            target = file.names.get(name)
            found, wanted = (self.outside, name) if target is None else (self.within, target.key)
            problem = _problem(line.key, wanted, parents) if target else None
            if wanted in found:
                problem = ("duplicate_dependency", f"{name[:60]} is named twice", "counts once")
            if problem is None:
                found[wanted] = None
            else:
                file.warn(line, f"dependencies[{number}]", *problem)


def _problem(key: str, on: str, parents: _Parents) -> tuple[str, str, str] | None:
    """What is wrong with a dependency: its code, what is odd, and what was done."""
    done = "kept in the file, does not block"
    if on == key:
        return "self_dependency", "the task depends on itself", done
    if on in parents.above(key):
        return "parent_dependency", f"it depends on {on[:60]}, which it is part of and which waits for it", done
    if key in parents.above(on):
        return "subtask_dependency", f"it depends on {on[:60]}, which is part of it; it waits for that anyway", done
    return None
