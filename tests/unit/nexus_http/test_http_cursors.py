"""Cursors of lists."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.errors import Invalid
from nexus_http.cursors import after_of, cursor_of, part


@given(st.sets(st.text(min_size=1, max_size=5), max_size=30), st.integers(1, 7))
def test_pages_hold_every_item_once(names, limit):
    """Walking the pages gives the whole list, in order."""
    items = [SimpleNamespace(name=name) for name in names]
    found, cursor = [], None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page, cursor = part(items, query, key=lambda item: item.name)
        found += [item.name for item in page]
        if cursor is None:
            break

    assert sorted(names) == found


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "====", "{}", "-1", "+1", "1.0", "١", "9" * 19],
)
def test_what_no_list_gave_out_is_refused(cursor):
    """A tampered cursor is bad input."""
    with pytest.raises(Invalid):
        after_of(cursor)


def test_a_cursor_of_another_list_is_refused():
    """A text where ids are in order."""
    with pytest.raises(Invalid):
        part([SimpleNamespace(id=1)], {"cursor": cursor_of("claude")})
