"""Functions that are imported when they are first called, for records of plugins that are not light to import."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazily(place: str) -> Callable[..., Any]:
    """A function that stands for `module:name` and imports it at its first call.

    Hooks are collected whenever a hub opens, also for a short command of the CLI, which calls hardly any of them.

    >>> lazily("math:floor")(1.5)
    1
    """
    module, _, name = place.partition(":")

    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(import_module(module), name)(*arguments, **named)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Stands for {place}, imported when it is first called."
    return call
