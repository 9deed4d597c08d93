"""Task files as nobody would want them: made by a grammar, or bent out of real ones, the same for the same seed.

A file is written from a tree whose scalars may be `Spelled` (JSON as it is to stand there) and whose objects may be
`Pairs` (so that a name can stand twice), in a random style; then its bytes may be damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import attrs


class Spelled(str):
    """A scalar in a spelling of its own, such as `3.20`."""


class Pairs(list[tuple[str, Any]]):
    """The members of an object, in order, names that stand twice included."""


@attrs.frozen(kw_only=True)
class WildFile:
    """A made file: its bytes, and what was done to them."""

    seed: int
    content: bytes
    damage: str  #: empty when it is JSON as it was written


# Parts
# -----

STATUSES = ("pending", "in-progress", "review", "done", "blocked", "deferred", "cancelled", "completed")
ODD_STATUSES = (
    "PENDING", " Done ", "Completed", "canceled", "in_progress", "In Progress", "todo", "", "é", "don\u0435",
    None, 3, True, ["done"], {"is": "done"}, Spelled('"d\\u006fne"'),
)  # fmt: skip
PRIORITIES = ("high", "medium", "low", "critical")
ODD_PRIORITIES = ("HIGH", " low ", "urgent", "", None, 1, ["high"], {}, False)
ODD_IDS = (
    Spelled("3.2"), Spelled("3.20"), Spelled("1e2"), Spelled("1E400"), -1, Spelled("-0"), 0, Spelled("2.0"), True,
    None, "HAM-1", "ham2", "é", "", " 4 ", "007", "3.2", "1.1", "a:b", "a#2", "1#2", {}, [1], "x" * 400,
    12345678901234567890, Spelled("9" * 120), Spelled("9" * 5000), "\u202e3", "task-1", Spelled('"\\u0033"'),
)  # fmt: skip
TEXTS = (
    "Wire it up", "", " ", "a\nb", "é \\ \" / \t", "\u202eevil\u202c", "😀 smile", "x" * 3000, "</script>", "\u2028",
    Spelled('"a\\/b\\u00e9\\u0041"'), Spelled('"\\ud83d\\ude00"'), Spelled('"half \\ud800 of it"'),
    Spelled('"nul \\u0000 here"'), Spelled('"\\udc00\\ud800"'),
)  # fmt: skip
ODD_TEXTS = (None, 0, True, 1.5, Spelled("1e400"), ["a", "b"], {"a": 1}, [], [["x"], None], Spelled("-0.0"))
NAMES = ("title", "status", "id", "dependencies", "subtasks", "details", "tags", "labels", "priority", "testStrategy")
TAGS = ("master", "feature-x", "é", "a:b", "tasks", " master ", "Metadata", "y" * 150, "master:1", "", "main")
EXTRAS = (
    ("createdAt", "2026-01-31T12:00:00.000Z"), ("effort", 1.0), ("effort", Spelled("1.50")), ("parentId", "undefined"),
    ("metadata", {"ours": {"id": 1}}), ("relevantFiles", [{"path": "a", "action": "modify"}]),
    ("tags", ["a", "b", "a"]),
    ("labels", "one"), ("tags", [1, None, True, " x "]), ("complexity", 7), ("complexity", Spelled("7.5")),
    ("complexity", "simple"), ("complexityScore", 11), ("recommendedSubtasks", 3), ("test_strategy", "other"),
    ("parentTaskId", 3), ("big", Spelled("1" * 400)), ("small", Spelled("1e-400")), ("né", "ü"), ("", ""),
    ("depends_on", [1]), ("assignee", None), ("previousStatus", "done"),
)  # fmt: skip


class Grammar:
    """Makes the tree of a file; `calm` from 0 (all is odd) to 1 (nothing is)."""

    def __init__(self, random: Random, calm: float) -> None:
        self.random = random
        self.calm = calm

    def odd(self) -> bool:
        """Whether the next thing is to be odd."""
        return self.random.random() > self.calm

    def pick(self, usual: Sequence[Any], odd: Sequence[Any]) -> Any:
        """One of the usual, or sometimes of the odd."""
        return self.random.choice(odd if self.odd() else usual)

    def file(self) -> Any:
        """The tree of a whole file."""
        layout = self.random.choice(["flat", "flat", "tagged", "tagged", "mixed", "list"])
        if layout == "list":
            return self.tasks()
        members = Pairs()
        if layout in ("flat", "mixed"):
            members.append(("tasks", self.tasks()))
        if layout in ("tagged", "mixed"):
            tags = self.random.sample(TAGS, self.random.randint(1, 4)) if self.odd() else ["master", "next"]
            members += [(tag, self.tag()) for tag in tags]
        if self.odd():
            members += self.random.sample(self.strays(), 2)
            self.random.shuffle(members)
        return members

    def tag(self) -> Any:
        """What stands under a tag."""
        value: dict[str, Any] = {"tasks": self.tasks(), "metadata": {"created": "2026-01-31", "description": "x"}}
        if self.odd():
            value["created"] = "x"
        return value

    def strays(self) -> list[tuple[str, Any]]:
        """Members of the file that are no tags, or almost."""
        return [
            ("version", 1), ("metadata", {"tasks": []}), ("metadata", {"projectName": "p"}), ("notes", []),
            ("empty", {"tasks": []}), ("null", {"tasks": None}), ("object", {"tasks": {"1": {"title": "x"}}}),
            ("deep", {"inner": {"tasks": [{"id": 1, "title": "unseen"}]}}), ("created", "2026"), ("x", None),
        ]  # fmt: skip

    def tasks(self) -> Any:
        """A list of tasks with gaps in its numbers."""
        number, found = 0, []
        for _ in range(self.random.choice([0, 1, 3, 3, 6, 12])):
            number += self.random.choice([1, 1, 1, 2, 7])
            found.append(self.task(number, 0))
        if found and self.random.random() < 0.15:
            self.tie(found)
        if found and self.odd():
            found.insert(self.random.randrange(len(found) + 1), self.random.choice([None, 1, "x", [], {}, [[]]]))
        return found

    def tie(self, tasks: list[Any]) -> None:
        """Have up to ten tasks and subtasks depend on each other in a ring; now and then the ring has one member."""
        members = [(str(dict(task)["id"]), task) for task in tasks if "id" in dict(task)]
        for name, task in list(members):
            inner = dict(task).get("subtasks")
            below = inner if isinstance(inner, list) else []
            members += [
                (f"{name}.{dict(sub)['id']}", sub) for sub in below if isinstance(sub, Pairs) and "id" in dict(sub)
            ]
        ring = self.random.sample(members, min(len(members), self.random.randint(1, 10)))
        for (_, task), (name, _) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
            names = [value for key, value in task if key == "dependencies" and isinstance(value, list)]
            if names:
                names[0].append(name)
            else:
                task.append(("dependencies", [name]))

    def task(self, number: int, depth: int) -> Any:
        """A task or a subtask."""
        random = self.random
        value: list[tuple[str, Any]] = [("id", self.id(number)), ("title", self.pick(TEXTS[:1], TEXTS + ODD_TEXTS))]
        if random.random() < 0.8:
            value.append(("description", self.pick(TEXTS[:3], TEXTS + ODD_TEXTS)))
        if random.random() < 0.9:
            value.append(("status", self.pick(STATUSES[: 4 if self.calm > 0.5 else 8], STATUSES + ODD_STATUSES)))
        if random.random() < 0.8:
            value.append(("dependencies", self.dependencies(number, depth)))
        if random.random() < (0.3 if depth else 0.8):
            value.append(("priority", self.pick(PRIORITIES, ODD_PRIORITIES)))
        if random.random() < 0.5:
            value.append(("details", self.pick(TEXTS, ODD_TEXTS)))
        if random.random() < 0.5:
            value.append(("testStrategy", self.pick(TEXTS, ODD_TEXTS)))
        if depth < 1 + self.odd() * 2 and random.random() < 0.6:
            value.append(("subtasks", self.subtasks(depth)))
        for _ in range(self.odd() * random.randint(0, 3)):
            value.append(random.choice(EXTRAS))
        if self.odd():
            random.shuffle(value)
        if self.odd() and random.random() < 0.2:
            value.remove(random.choice(value))
        if self.odd() and random.random() < 0.05:
            value.append((random.choice(NAMES[:2] + NAMES[5:]), random.choice(TEXTS)))
            return Pairs(value)
        return Pairs(dict(value).items())

    def id(self, number: int) -> Any:
        """The id of the task with this number."""
        return self.pick((number, number, str(number)) if self.calm < 0.5 else (number,), ODD_IDS)

    def subtasks(self, depth: int) -> Any:
        """What stands under `subtasks`."""
        if self.odd() and self.random.random() < 0.2:
            return self.random.choice([None, {}, "none", 0, [None], [[{"id": 1}]], {"1": {"title": "x"}}])
        return [self.task(number, depth + 1) for number in range(1, self.random.randint(0, 5) + 1)]

    def dependencies(self, number: int, depth: int) -> Any:
        """What stands under `dependencies`: mostly backwards, so that cycles stay the exception."""
        random = self.random
        if self.odd() and random.random() < 0.2:
            return random.choice([None, {}, 1, "1, 2", "1", True, "", [[]], Spelled("1.0"), [None], {"1": 2}])
        return [self.dependency(number, depth) for _ in range(random.choice([0, 0, 1, 1, 2, 4]))]

    def dependency(self, number: int, depth: int) -> Any:
        """One element."""
        random = self.random
        if self.odd():
            return random.choice([*ODD_IDS, number, str(number), [1], 9999, "2.9"])
        near = random.randint(1, max(1, number - 1)) if random.random() < 0.9 else random.randint(1, 12)
        dotted = f"{random.randint(1, 12)}.{random.randint(1, 4)}"
        if random.random() < (0.5 if depth else 0.2):
            return Spelled(dotted) if random.random() < 0.3 else dotted
        return str(near) if random.random() < 0.4 else near


# Bent real ones
# --------------


def bend(tree: Any, random: Random) -> Any:
    """Change a few values anywhere in a tree, in its place."""
    places = list(_places(tree))
    for _ in range(random.choice([1, 1, 2, 5, 20])):
        if not places:
            break
        _bend_one(*random.choice(places), random)
    return tree


def _places(tree: Any) -> Any:
    """Every list with each of its indices."""
    front = [tree]
    while front:
        here = front.pop()
        if isinstance(here, list):
            for index, inner in enumerate(here):
                yield here, index
                front.append(inner[1] if isinstance(inner, tuple) else inner)


def _bend_one(where: list[Any], index: int, random: Random) -> None:
    if index >= len(where):
        return
    here = where[index]
    if not isinstance(here, tuple):
        _bend_item(where, index, random)
        return
    name, value = here
    how = random.random()
    pool = {
        "id": ODD_IDS, "status": STATUSES + ODD_STATUSES, "priority": PRIORITIES + ODD_PRIORITIES,
        "dependencies": (None, [], [1], ["1.1", 2, 2], "1", [None], [9999], {}, [Spelled("1.10")]),
        "subtasks": (None, {}, [], "x", [{"id": 1, "title": "new"}]),
        "tasks": ([], value, value, {"tasks": value}),
    }.get(name, TEXTS + ODD_TEXTS)  # fmt: skip
    if how < 0.6:
        where[index] = (name, random.choice(pool))
    elif how < 0.7:
        del where[index]
    elif how < 0.8:
        where.insert(random.randrange(len(where) + 1), (name, random.choice(pool)))
    elif how < 0.9:
        where.append(random.choice(EXTRAS))
    else:
        random.shuffle(where)


def _bend_item(where: list[Any], index: int, random: Random) -> None:
    how = random.random()
    if how < 0.3:
        where.append(where[index])
    elif how < 0.5:
        del where[index]
    elif how < 0.8:
        where[index] = random.choice([*ODD_IDS, random.randint(1, 20), f"{random.randint(1, 20)}.1"])
    else:
        random.shuffle(where)


def tree_of(content: bytes) -> Any:
    """The tree of a file, with its own spellings of numbers."""
    return json.loads(content, object_pairs_hook=Pairs, parse_int=Spelled, parse_float=Spelled)


# Writing
# -------


@attrs.frozen
class Style:
    """How a file is written."""

    indent: str | None
    eol: str
    colon: str
    ascii: bool
    slashes: bool
    final: str

    @classmethod
    def of(cls, random: Random) -> Style:
        """Some style."""
        return cls(
            random.choice([None, "  ", "  ", "  ", "    ", "\t", ""]),
            random.choice(["\n", "\n", "\n", "\r\n"]),
            random.choice([": ", ": ", ":", " : "]),
            random.random() < 0.2,
            random.random() < 0.1,
            random.choice(["", "\n", "\n\n", " \t"]),
        )


def write(tree: Any, style: Style) -> str:
    """A tree as JSON."""
    return _write(tree, style, style.eol if style.indent is not None else "") + style.final


def _write(tree: Any, style: Style, gap: str) -> str:
    if isinstance(tree, Spelled):
        return str(tree)
    if isinstance(tree, Pairs | dict):
        members = tree if isinstance(tree, Pairs) else tree.items()
        texts = [_text(name, style) + style.colon + _write(value, style, _in(gap, style)) for name, value in members]
        return _wrap("{", texts, "}", gap, style)
    if isinstance(tree, list | tuple):
        return _wrap("[", [_write(item, style, _in(gap, style)) for item in tree], "]", gap, style)
    return _text(tree, style) if isinstance(tree, str) else json.dumps(tree)


def _in(gap: str, style: Style) -> str:
    return gap + (style.indent or "")


def _wrap(start: str, texts: list[str], end: str, gap: str, style: Style) -> str:
    if not texts:
        return start + end
    inner = _in(gap, style)
    return start + inner + ("," + inner if gap else ", ").join(texts) + gap + end


def _text(text: str, style: Style) -> str:
    halves = any("\ud800" <= character <= "\udfff" for character in text)
    written = json.dumps(text, ensure_ascii=style.ascii or halves)
    return written.replace("/", "\\/") if style.slashes else written


# Damage
# ------

Damage = Callable[[bytes, Random], bytes]


def _at(content: bytes, random: Random) -> int:
    return random.randrange(len(content) + 1)


def _cut(content: bytes, random: Random) -> bytes:
    return content[: _at(content, random)]


def _insert(*pieces: bytes) -> Damage:
    def damage(content: bytes, random: Random) -> bytes:
        at = _at(content, random)
        return content[:at] + random.choice(pieces) + content[at:]

    return damage


def _flip(content: bytes, random: Random) -> bytes:
    at = _at(content, random)
    return content[:at] + bytes([random.randrange(256)]) + content[at + 1 :]


def _drop_line(content: bytes, random: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[random.randrange(len(lines) or 1) :][:1]
    keep = random.randrange(len(lines) + 1)
    return b"".join(lines[:keep] + lines[keep + 1 :])


def _conflict(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    at = random.randrange(len(lines))
    end = min(len(lines), at + random.randint(1, 5))
    ours, eol = lines[at:end], b"\r" if b"\r\n" in content else b""
    marked = [b"<<<<<<< HEAD" + eol, *ours, b"=======" + eol, *ours, b">>>>>>> " + b"branch" + eol]
    return b"\n".join([*lines[:at], *marked, *lines[end:]])


DAMAGES: dict[str, Damage] = {
    "cut": _cut,
    "flipped byte": _flip,
    "lost line": _drop_line,
    "conflict": _conflict,
    "inserted": _insert(
        b",", b"}", b"]", b"// x\n", b"/* x */", b"#", b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"'", b"NaN", b"\\",
        b"\xef\xbb\xbf", b"\x0b", b"\xc2\xa0", b"\x1f", b"=======\n", b"<<<<<<< x\n", b"\r", b"-", b"01", b"[" * 300,
    ),
    "byte order mark": lambda content, random: b"\xef\xbb\xbf" + content,
    "utf-16": lambda content, random: content.decode("utf-8", "replace").encode(random.choice(["utf-16", "utf-16-le"])),
    "latin-1": lambda content, random: content.decode("utf-8", "replace").encode("latin-1", "replace") + b"\xe9",
    "twice": lambda content, random: content + content,
    "line ends": lambda content, random: b"".join(
        line + random.choice([b"\n", b"\r\n", b"\r"]) for line in content.split(b"\n")
    ),
    "whole": lambda content, random: random.choice(
        [b"", b" \n\t", b"null", b"[]", b"{}", b"0", b'"x"', b"true", b"\xef\xbb\xbf", b"[[]]", b"[null]", b"{}{}",
         b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100 + b"]" * 100, b"[" * 101 + b"]" * 101, b'{"tasks": []}',
         b'{"master": {}}', b'{"tasks": {"tasks": []}}', b'{"tasks": null}', b'{"master": []}', b"-", b'"', b"\\"],
    ),
}  # fmt: skip


def wild_file(seed: int, originals: Sequence[bytes] = ()) -> WildFile:
    """The file of a seed; some are bent out of the originals, where there are any."""
    random = Random(seed)
    if originals and random.random() < 0.4:
        tree = bend(tree_of(random.choice(originals)), random)
    else:
        tree = Grammar(random, random.choice([0.5, 0.8, 0.9, 0.95, 1.0])).file()
    content = write(tree, Style.of(random)).encode()
    damage = random.choice(sorted(DAMAGES)) if random.random() < 0.25 else ""
    return WildFile(seed=seed, content=DAMAGES[damage](content, random) if damage else content, damage=damage)


def next_version(content: bytes, random: Random) -> bytes:
    """What somebody else made of a file."""
    tree = bend(tree_of(content.removeprefix(b"\xef\xbb\xbf")), random)
    return write(tree, Style.of(random)).encode()
