"""What a request may carry: fields of bodies and parameters of queries, read strictly, every fault at once.

A field says its type once; reading and the OpenAPI document both follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from nexus_core.errors import Fault, Invalid

MAX_LIMIT = 200
MAX_ID = 2**63 - 1

#: Type -> (its JSON schema, what is expected in words).
TYPES: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"type": "string"}, "a text"),
    "number": ({"type": "integer"}, "a whole number"),
    "flag": ({"type": "boolean"}, "true or false"),
    "texts": ({"type": "array", "items": {"type": "string"}}, "a list of texts"),
    "ids": ({"type": "array", "items": {"type": "integer", "minimum": 1}}, "a list of ids"),
    "object": ({"type": "object"}, "an object"),
    "name": ({"type": ["integer", "string"]}, "an id or a name"),
    "task": ({"type": ["integer", "string"]}, "a task’s number or key"),
}


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
    max_length: int = attrs.field(default=100_000, kw_only=True)

    def schema(self) -> dict[str, Any]:
        """The field as JSON Schema."""
        schema = dict(TYPES[self.type][0])
        if self.type == "texts":
            schema["items"] = schema["items"] | ({"enum": list(self.choices)} if self.choices else {})
        elif self.choices:
            schema["enum"] = [*self.choices, *([None] if self.nullable else [])]
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        schema |= {key: bound for key, bound in bounds.items() if bound is not None}
        if self.nullable:
            kinds = schema["type"]
            schema["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
        return schema | ({"description": self.doc} if self.doc else {})

    def check(self, value: Any) -> Any:
        """The value, when it is one of this field.

        :raises ValueError: saying what is expected
        """
        if value is None and self.nullable:
            return None
        if not _is(self.type, value):
            raise ValueError(f"expected {TYPES[self.type][1]}")
        for item in value if isinstance(value, list) else (value,):
            self._check_item(item)
        return value

    def _check_item(self, value: Any) -> None:
        if isinstance(value, str) and len(value) > self.max_length:
            raise ValueError(f"expected at most {self.max_length} characters")
        if self.choices and value not in self.choices:
            raise ValueError(f"expected one of {', '.join(self.choices)}")
        if isinstance(value, int) and not isinstance(value, bool):
            low = -MAX_ID if self.minimum is None else self.minimum
            high = MAX_ID if self.maximum is None else self.maximum
            if not low <= value <= high:
                raise ValueError(f"expected {low} to {high}")

    def parse(self, texts: list[str]) -> Any:
        """The value of the texts that a query gives it.

        :raises ValueError: saying what is expected
        """
        if self.type == "texts":
            return self.check([part for text in texts for part in text.split(",") if part])
        if len(texts) > 1:
            raise ValueError("expected once")
        return self.check(_from_text(self.type, texts[0]))


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


def _is(kind: str, value: Any) -> bool:
    return _CHECKS[kind](value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
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
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if kind == "name" and text.isascii() and text.isdigit():
        return _number(text)
    return text


def _number(text: str) -> Any:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else text


#: The parameters of every list.
PAGE = (
    Field("limit", "number", "How many items at most.", minimum=1, maximum=MAX_LIMIT),
    Field("cursor", "text", "`next_cursor` of the page before."),
)
LIMIT = PAGE[:1]
