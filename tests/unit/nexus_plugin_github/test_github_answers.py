"""What GitHub's refusals mean."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from nexus_plugin_github.answers import explanation, failure, hinted_wait

DATE = "Sat, 31 Jan 2026 12:00:00 GMT"
SENT = 1769860800


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5", "x-ratelimit-reset": str(SENT + 500)}, 5.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(SENT + 90), "date": DATE}, 91.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(SENT - 90), "date": DATE}, 1.0),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": str(SENT + 90), "date": DATE}, None),
        ({"x-ratelimit-reset": "soon", "date": DATE}, None),
        ({"x-ratelimit-reset": str(SENT), "date": "never"}, None),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """`retry-after` first, then the reset by GitHub's own clock, else it does not say; never beyond an hour."""
    assert seconds == hinted_wait(headers)


@pytest.mark.parametrize(
    ("status", "headers", "document", "error"),
    [
        (401, {}, None, Unauthenticated),
        (403, {}, {"message": "Resource not accessible by integration"}, Forbidden),
        (403, {}, {"message": "You have exceeded a secondary rate limit"}, Unavailable),
        (404, {}, None, NotFound),
        (409, {}, None, Conflict),
        (422, {}, {"errors": [None, {"field": "base", "code": "invalid"}]}, Invalid),
        (418, {}, [], Invalid),
        (500, {}, "oops", Unavailable),
    ],
)
def test_each_status_has_its_error(status: int, headers: dict[str, str], document: Any, error: type[Exception]) -> None:
    """One table, whatever the body is."""
    assert error is type(failure(status, headers, document, "GET x"))


def test_a_success_is_no_error() -> None:
    """Two hundred and something is fine."""
    assert failure(201, {}, None, "POST x") is None


def test_the_words_of_github_are_kept_on_one_line() -> None:
    """They go into logs, where a new line would look like another entry."""
    assert explanation({"message": "a\n b", "errors": [{"field": "title", "code": "missing"}]}) == "a b; title missing"
