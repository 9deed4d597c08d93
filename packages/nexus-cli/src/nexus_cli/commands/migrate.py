"""`nexus migrate`: the database's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("migrate", example="nexus migrate --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say what would be applied.")
def migrate(session: Session, dry_run: bool) -> None:
    """Bring the schema of the configured database up to date. Nothing that is there is dropped."""
    from nexus_core.config import load_config
    from nexus_core.nexus import assemble, open_store

    config = load_config(environ=session.environ)
    store = open_store(config, assemble(config))
    try:
        names = store.pending_migrations() if dry_run else store.migrate()
    finally:
        store.close()
    session.show_document({"migrations": list(names), "dry_run": dry_run}, show_migrations)


def show_migrations(screen: Screen, found: dict[str, Any]) -> None:
    """Tell what was applied, or would be."""
    for name in found["migrations"]:
        screen.line(f"{screen.bold(name)} {'is missing' if found['dry_run'] else 'is applied'}")
    if not found["migrations"]:
        screen.line("The schema is up to date.")
