"""Databases for a measurement, gone afterwards."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from claims import open_hub


@contextmanager
def empty_database(engine: str, postgres: str) -> Iterator[str]:
    """An empty database with the schema."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
            open_hub(f"{folder}/nexus.db").close()
            yield f"{folder}/nexus.db"
        return
    import psycopg

    name = f"nexus_bench_{secrets.token_hex(4)}"
    url = postgres.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            open_hub(url).close()
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
