"""What a database URL says."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from nexus_core.errors import ConfigurationError
from nexus_plugin_postgres.target import Target


def test_bounds_are_set():
    """Connecting and dead networks are bounded unless the URL says otherwise."""
    given = conninfo_to_dict(Target.from_url("postgresql://u:p@db.example:6432/nexus?connect_timeout=9").conninfo)

    assert ("9", "1", "nexus") == tuple(
        str(given[key]) for key in ("connect_timeout", "keepalives", "fallback_application_name")
    )


def test_own_options_come_last():
    """The options in the URL win over ours."""
    given = conninfo_to_dict(Target.from_url("postgresql://db/n?options=-c%20statement_timeout%3D60s").conninfo)

    assert given["options"].endswith("-c statement_timeout=60s")
    assert "-c lock_timeout=2s" in given["options"]


def test_label_shows_no_password():
    """What is shown names host, port and database."""
    target = Target.from_url("postgresql://u:s3cret@db.example:6432/nexus")

    assert "db.example:6432/nexus" == target.label
    assert "s3cret" not in repr(target)


def test_pool_sizes_are_ours():
    """The pool's sizes stand in the URL, and libpq does not hear of them."""
    target = Target.from_url("postgres://db/n?pool_max_size=3&sslmode=require")

    assert (1, 3) == (target.pool_min_size, target.pool_max_size)
    assert "require" == conninfo_to_dict(target.conninfo)["sslmode"]


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@db:port/n", "postgresql://u:s3cret@db/n?nonsense=1"])
def test_wrong_url_is_refused_without_repeating_it(url):
    """The fault is named; the password within is not."""
    with pytest.raises(ConfigurationError) as caught:
        Target.from_url(url)

    assert "s3cret" not in str(caught.value)
