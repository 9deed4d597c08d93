"""What a request may carry: fields of bodies and parameters of queries, read strictly, every fault at once.

A field says its type once; reading and the OpenAPI document both follow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import attrs

from nexus_core.errors import Fault, Invalid

MAX_LIMIT = 200
MAX_ID = 2**63 - 1

#: No store keeps the character NUL.
TEXT = r"^[^\x00]*$"
#: With something to read in it.
SAYING = r"^[^\x00]*[^\s\x00-\x1f\x7f-\x9f][^\x00]*$"
#: `TASK_PREFIX` stands for the prefix of the configuration, in either case.
TASK = r"^(?:TASK_PREFIX-)?[1-9][0-9]{0,17}$"
_SEGMENT = r"\.?[A-Za-z0-9_][A-Za-z0-9_.-]{0,98}"
REPOSITORY = rf"^{_SEGMENT}/{_SEGMENT}$"
_LONG, _SHORT = r"(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])", r"(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_LEAP = r"(?:19|2[0-9])(?:0[48]|[2468][048]|[13579][26])-02-29"
#: RFC 3339 with the days that the calendar has, from 1900 to 2999; without a zone it is UTC, a day is its beginning.
INSTANT = (
    rf"^(?:(?:19|2[0-9])[0-9][0-9]-(?:{_LONG}|{_SHORT}|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP})"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?$"
)
_JSON = {"$ref": "#/components/schemas/Json"}

#: Type -> (its JSON schema, what is expected in words).
TYPES: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"type": "string"}, "a text"),
    "number": ({"type": "integer"}, "a whole number"),
    "flag": ({"type": "boolean"}, "true or false"),
    "time": ({"type": "string"}, "an instant such as 2026-01-31T12:00:00Z"),
    "texts": ({"type": "array", "items": {"type": "string"}}, "a list of texts"),
    "ids": ({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": MAX_ID}}, "a list of ids"),
    "object": ({"type": "object", "propertyNames": {"pattern": TEXT}, "additionalProperties": _JSON}, "an object"),
    "name": ({"type": ["integer", "string"]}, "an id or a name"),
    "task": ({"type": ["integer", "string"]}, "a task’s number or key"),
}
_LOWEST, _HIGHEST = {"task": 1}, {"task": 10**18 - 1}
_PATTERNS = {"time": INSTANT, "task": TASK}
_NUMBERS = frozenset({"number", "name", "task"})
_STRINGS = frozenset({"text", "texts", "time", "name", "task"})


@attrs.frozen
class Field:
    """A field of a body, or a parameter of a query."""

    name: str
    type: str = "text"  #: a key of TYPES
    doc: str = ""
    required: bool = attrs.field(default=False, kw_only=True)
    nullable: bool = attrs.field(default=False, kw_only=True)
    choices: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    minimum: int | None = attrs.field(default=None, kw_only=True)
    maximum: int | None = attrs.field(default=None, kw_only=True)
    max_length: int = attrs.field(default=500, kw_only=True)
    min_length: int = attrs.field(default=0, kw_only=True)
    pattern: str | None = attrs.field(default=None, kw_only=True)  #: anchored at both ends
    listed: str = attrs.field(default="", kw_only=True)  #: what the hub knows and takes alone, such as `checks`
    example: Any = attrs.field(default=None, kw_only=True)

    def schema(self) -> dict[str, Any]:
        """The field as JSON Schema."""
        schema = dict(TYPES[self.type][0])
        if self.type == "texts":
            schema["items"] = schema["items"] | self._limits()
        elif self.choices:
            schema["enum"] = [*self.choices, *([None] if self.nullable else [])]
        else:
            schema |= self._limits()
        if self.type in _NUMBERS:
            schema |= {"minimum": self._low, "maximum": self._high}
        if self.nullable:
            kinds = schema["type"]
            schema["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
        return schema | ({"description": self.doc} if self.doc else {})

    def _limits(self) -> dict[str, Any]:
        """What its texts may be."""
        if self.choices or self.listed or self.type not in _STRINGS:
            return ({"enum": list(self.choices)} if self.choices else {}) | (
                {"x-listed": self.listed} if self.listed else {}
            )
        lengths = {} if self._pattern in (INSTANT, TASK) else {"maxLength": self.max_length}
        return ({"minLength": self.min_length} if self.min_length else {}) | lengths | {"pattern": self._pattern}

    @property
    def _pattern(self) -> str:
        return self.pattern or _PATTERNS.get(self.type, TEXT)

    @property
    def _low(self) -> int:
        return _LOWEST.get(self.type, -MAX_ID) if self.minimum is None else self.minimum

    @property
    def _high(self) -> int:
        return _HIGHEST.get(self.type, MAX_ID) if self.maximum is None else self.maximum

    def check(self, value: Any) -> Any:
        """The value, when it is one of this field.

        :raises ValueError: saying what is expected
        """
        if value is None and self.nullable:
            return None
        value = _whole(self.type, value)
        if not _is(self.type, value):
            raise ValueError(f"expected {TYPES[self.type][1]}")
        for item in value if isinstance(value, list) else (value,):
            self._check_item(item)
        return value

    def _check_item(self, value: Any) -> None:
        if isinstance(value, str):
            self._check_text(value)
        if self.choices and value not in self.choices:
            raise ValueError(f"expected one of {', '.join(self.choices)}")
        if isinstance(value, int) and not isinstance(value, bool):
            self._check_number(value)

    def _check_number(self, number: int) -> None:
        if not self._low <= number <= self._high:
            raise ValueError(f"expected {self._low} to {self._high}")

    def _check_text(self, text: str) -> None:
        if len(text) > self.max_length:
            raise ValueError(f"expected at most {self.max_length} characters")
        if len(text) < self.min_length:
            raise ValueError(f"expected at least {self.min_length} characters")
        if "\0" in text:
            raise ValueError("expected a text without the character NUL")
        # What names a task is read with the prefix of the configuration, by `Resource.task_id`.
        if self._pattern not in (TEXT, TASK) and not _compiled(self._pattern).fullmatch(text):
            raise ValueError(f"expected {_WORDS.get(self._pattern, TYPES[self.type][1])}")

    def parse(self, texts: list[str]) -> Any:
        """The value of the texts that a query gives it.

        :raises ValueError: saying what is expected
        """
        if self.type == "texts":
            return self.check([part for text in texts for part in text.split(",")])
        if len(texts) > 1:
            raise ValueError("expected once")
        return self.check(_from_text(self.type, texts[0]))


#: What a pattern asks for, in words.
_WORDS = {
    SAYING: "a text that says something",
    REPOSITORY: "owner/name, such as acme/api",
}


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern without its anchors: `$` would let a line end pass."""
    return re.compile(pattern.removeprefix("^").removesuffix("$"))


def body_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """A body of these fields as JSON Schema."""
    listed = list(fields)
    required = [field.name for field in listed if field.required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: field.schema() for field in listed},
        "additionalProperties": False,
    }
    return schema | ({"required": required} if required else {})


def check_body(value: Any, fields: Iterable[Field]) -> dict[str, Any]:
    """The fields that a body gives, each of its type.

    :raises Invalid: with every fault and its JSON pointer
    """
    if not isinstance(value, dict):
        raise Invalid("the body is not an object", faults=(Fault("", "expected an object"),))
    known = {field.name: field for field in fields}
    faults = [Fault(f"/{name}", "is missing") for name, field in known.items() if field.required and name not in value]
    checked: dict[str, Any] = {}
    for name, given in value.items():
        if name not in known:
            faults.append(Fault(f"/{name}", f"is not known here; known are {', '.join(known) or 'none'}"))
            continue
        try:
            checked[name] = known[name].check(given)
        except ValueError as error:
            faults.append(Fault(f"/{name}", str(error)))
    if faults:
        raise Invalid("the body is not valid", faults=tuple(faults))
    return checked


def check_query(given: Mapping[str, list[str]], fields: Iterable[Field]) -> dict[str, Any]:
    """The parameters that a query gives, each of its type.

    :raises Invalid: with every fault; the pointers are the parameters' names behind `?`
    """
    known = {field.name: field for field in fields}
    faults = [Fault(f"?{name}", "is missing") for name, field in known.items() if field.required and name not in given]
    checked: dict[str, Any] = {}
    for name, texts in given.items():
        if name not in known:
            faults.append(Fault(f"?{name}", f"is not known here; known are {', '.join(known) or 'none'}"))
            continue
        try:
            checked[name] = known[name].parse(texts)
        except ValueError as error:
            faults.append(Fault(f"?{name}", str(error)))
    if faults:
        raise Invalid("the query is not valid", faults=tuple(faults))
    return checked


def _whole(kind: str, value: Any) -> Any:
    """A value in which `3.0` is the whole number that it is: JSON knows no other difference than how it is written."""
    if kind == "ids" and isinstance(value, list):
        return [_whole("number", one) for one in value]
    if kind in _NUMBERS and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is(kind: str, value: Any) -> bool:
    return _CHECKS[kind](value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "time": lambda value: isinstance(value, str),
    "number": _is_number,
    "flag": lambda value: isinstance(value, bool),
    "texts": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "ids": lambda value: isinstance(value, list) and all(type(item) is int and item >= 1 for item in value),
    "object": lambda value: isinstance(value, dict),
    "name": lambda value: _is_number(value) or isinstance(value, str),
    "task": lambda value: _is_number(value) or isinstance(value, str),
}


def _from_text(kind: str, text: str) -> Any:
    if kind == "number":
        return _number(text)
    if kind == "flag":
        return {"true": True, "false": False}.get(text, text)
    if kind == "name" and text.isascii() and text.isdigit():
        return _number(text)
    return text


def _number(text: str) -> Any:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else text


#: The parameters of a list: of things with ids, of things with names.
_SAYS = "`next_cursor` of the page before."
PAGE = (
    Field("limit", "number", "How many items at most.", minimum=1, maximum=MAX_LIMIT, example=50),
    Field("cursor", "text", _SAYS, pattern="^[0-9]{1,18}$", max_length=18),
)
LIMIT = PAGE[:1]
NAMED_PAGE = (*LIMIT, Field("cursor", "text", _SAYS))
