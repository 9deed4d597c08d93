"""Parking by command: set, shown, taken away."""

import re
from datetime import datetime, timedelta

import pytest


@pytest.fixture
def tomorrow():
    """A day from now, to the minute, as people of this machine's zone write it."""
    return (datetime.now().astimezone() + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")


def test_a_task_is_parked_and_shown_so(nexus, tomorrow):
    """By show, list, edit and why; in the zone of this machine."""
    nexus("task", "add", "Later")
    edited = nexus("task", "edit", "1", "--park-until", tomorrow).out
    told = f"(parked until {tomorrow})"

    assert told in edited and told in nexus("task", "list").out and told in nexus("task", "why", "1").out
    assert f"parked until\t{tomorrow}" in nexus("task", "show", "1").out
    assert "it is parked until" in nexus("task", "why", "1").out
    assert not nexus("task", "show", "1", "--json").document["ready"]
    assert "" == nexus("task", "ready").out


@pytest.mark.parametrize("how", [("--unpark",), ("--park-until", "now"), ("--not-before", "now")])
def test_a_task_is_unparked(nexus, tomorrow, how):
    """It is ready at once, and nothing is shown of it."""
    nexus("task", "add", "Later", "--park-until", tomorrow)
    parked = nexus("task", "show", "1", "--json").document
    nexus("task", "edit", "1", *how)
    after = nexus("task", "show", "1", "--json").document

    assert (False, True, None) == (parked["ready"], after["ready"], after["not_before"])
    assert "parked" not in nexus("task", "show", "1").out + nexus("task", "list").out


def test_a_parking_that_is_over_is_not_shown(nexus):
    """The task is ready like any other."""
    nexus("task", "add", "Was put off", "--park-until", "2020-01-01")

    assert nexus("task", "show", "1", "--json").document["not_before"].startswith(("2019-12-31T", "2020-01-01T"))
    assert "parked" not in nexus("task", "show", "1").out + nexus("task", "list").out


def test_a_time_with_a_zone_is_taken_by_its_zone(nexus):
    """Whatever this machine's."""
    nexus("task", "add", "Later", "--park-until", "2030-06-01T09:00:00+02:00")

    assert "2030-06-01T07:00:00.000000Z" == nexus("task", "show", "1", "--json").document["not_before"]


@pytest.mark.parametrize(
    "words",
    [
        ("--park-until", "soon"),
        ("--park-until", "2030-01-01", "--unpark"),
        ("--park-until", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_what_is_no_time_or_two_is_bad_usage(nexus, words):
    """Nothing was changed."""
    nexus("task", "add", "Later")

    assert 2 == nexus("task", "edit", "1", *words).code
    assert re.search(r'"version": ?1\b', nexus("task", "show", "1", "--json").out)
