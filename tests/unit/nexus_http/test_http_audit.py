"""The audit's chain over HTTP: for admins of the whole hub alone, in parts."""

from __future__ import annotations

import pytest

BAD_HEADS = ["abc", "x" * 64, "00" * 31]


@pytest.fixture
def sealed(api, nexus):
    """Some events, sealed."""
    for number in range(5):
        api.task(f"Task {number}")
    nexus.audit.seal()
    return api.get("/audit/verify").json


def test_the_chain_in_parts(api, sealed):
    """Each part begins with the hash at which the one before it ended."""
    first = api.get("/audit/verify?limit=3").json
    second = api.get(f"/audit/verify?limit=200&after={first['next']}&head={sealed['hash']}").json

    assert (None, None, 0) == (sealed["next"], sealed["fault"], sealed["unsealed"])
    assert (3, first["hash"], sealed["hash"]) == (first["next"], second["after_hash"], second["hash"])
    assert (True, False) == (second["saw_head"], first["saw_head"])


@pytest.mark.parametrize("head", BAD_HEADS)
def test_a_head_that_is_no_hash(api, sealed, head):
    """400, with the parameter."""
    answer = api.get(f"/audit/verify?head={head}")

    assert (400, "?head") == (answer.status_code, answer.json["errors"][0]["pointer"])


def test_a_place_that_is_not_there(api, sealed):
    """404."""
    assert 404 == api.get("/audit/verify?after=999").status_code


def test_who_may_walk_the_chain(api, nexus, viewer, sealed):
    """Neither a viewer, nor an admin's key for one repository: the audit is of all."""
    repository = nexus.repositories.add("acme/api").id
    made = api.post("/keys", {"name": "one", "role": "admin", "repositories": [repository]}).json
    narrowed = api.get("/audit/verify", headers={"Authorization": f"Bearer {made['key']}"})

    assert (403, 403, 200) == (
        viewer.get("/audit/verify").status_code, narrowed.status_code, api.get("/audit/verify").status_code
    )  # fmt: skip
