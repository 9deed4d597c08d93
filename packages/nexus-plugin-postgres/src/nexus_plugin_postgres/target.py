"""Which database a URL names, and how sessions with it are set up."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import attrs

from nexus_core.errors import ConfigurationError

#: What each session asks of the server. Text in the URL's own `options` comes later and so wins.
SESSION: Mapping[str, str] = {
    "timezone": "UTC",
    "statement_timeout": "8s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
    # What is read often lies in memory: an index that leads to few rows is better than the whole table in its order.
    "random_page_cost": "1.1",
    "plan_cache_mode": "force_generic_plan",  # for single reads; transactions undo it, see glance.py
    "jit": "off",  # it takes longer than any statement of ours
}

#: How the connection itself is watched; the URL may say otherwise.
CONNECTION: Mapping[str, str] = {
    "connect_timeout": "3",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "fallback_application_name": "nexus",
    "client_encoding": "utf8",
}

POOL = {"pool_min_size": 1, "pool_max_size": 8}


@attrs.frozen(kw_only=True)
class Target:
    """A database, and the size of the pool of connections with it."""

    conninfo: str = attrs.field(repr=False)  #: for libpq; it holds the password
    label: str  #: host, port and database, fit to be shown
    pool_min_size: int
    pool_max_size: int

    @classmethod
    def from_url(cls, url: str) -> Target:
        """Read a `postgresql://…` URL; `pool_min_size` and `pool_max_size` may stand among its parameters.

        :raises ConfigurationError: it is not one that PostgreSQL takes; the message does not repeat it
        """
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        try:
            bare, sizes = _take_pool_sizes(url)
            given = {key: str(value) for key, value in conninfo_to_dict(bare).items() if value is not None}
        except Exception:
            # libpq repeats parts of what it could not read, among them perhaps the password.
            raise ConfigurationError(
                "the database URL is not valid: expected postgresql://user:password@host:5432/database"
            ) from None
        options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
        given["options"] = f"{options} {given.get('options', '')}".strip()
        return cls(conninfo=make_conninfo("", **{**CONNECTION, **given}), label=_label(given), **sizes)


def _take_pool_sizes(url: str) -> tuple[str, dict[str, int]]:
    parts = urlsplit(url)
    _ = parts.port if "," not in parts.netloc else None  # raises where it is no number
    query = parse_qsl(parts.query, keep_blank_values=True)
    sizes = {**POOL, **{key: int(value) for key, value in query if key in POOL}}
    sizes["pool_max_size"] = max(sizes["pool_max_size"], sizes["pool_min_size"], 1)
    rest = urlencode([(key, value) for key, value in query if key not in POOL])
    # libpq reads %20 but not + as a blank.
    return urlunsplit(parts._replace(query=rest.replace("+", "%20"))), sizes


def _label(given: Mapping[str, str]) -> str:
    host = given.get("host") or given.get("hostaddr") or "the local socket"
    port = "" if host.startswith("/") or "host" not in given else ":" + given.get("port", "5432")
    return f"{host}{port}/{given.get('dbname', '')}".rstrip("/")
