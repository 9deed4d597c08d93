"""Every statement of the core is one that both engines take, and one that somebody uses."""

import re
from pathlib import Path

import pytest

import nexus_core.storage
from nexus_core.storage.session import expand
from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.statements import chosen, conditions, fragments, parse, pyformat, statements
from nexus_plugin_postgres import engine as postgres_engine
from nexus_plugin_postgres.engine import PostgresEngine, rendered

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_LIST = re.compile(r"\(:([a-z_]+)\)")
NAMES = sorted(statements())


def _wordings(sql: str) -> set[str]:
    """The statement bare of its parts, with each of them alone, and with all."""
    names = conditions(sql)
    return {chosen(sql, frozenset(given)) for given in ((), *((name,) for name in names), names)}


def _samples(sql: str) -> dict:
    """A value for each parameter: two for lists, nothing for the rest."""
    values = dict.fromkeys(_PARAMETER.findall(sql))
    lists = {name for name in _LIST.findall(sql) if f"IN (:{name})" in sql}
    return {**values, **dict.fromkeys(lists, (None, None))}


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory):
    engine = SqliteEngine(tmp_path_factory.mktemp("statements") / "nexus.db")
    engine.migrate()
    yield engine
    engine.close()


@pytest.fixture
def postgres(postgres_url):
    engine = PostgresEngine(postgres_url)
    engine.migrate()
    yield engine
    engine.close()


@pytest.mark.parametrize("name", NAMES)
def test_sqlite_takes_the_statement(name, sqlite):
    """SQLite can plan it against the migrated schema."""
    for wording in _wordings(statements()[name]):
        sql, parameters = expand(wording, _samples(wording))
        with sqlite.reading() as session:
            plan = session._connection.execute(f"EXPLAIN {sql}", parameters).fetchall()

        assert plan


@pytest.mark.services
def test_postgres_takes_every_statement(postgres):
    """PostgreSQL can prepare each of them against the migrated schema."""
    refused = {}
    with postgres._opened().connection() as connection:
        for name, wording in ((one, wording) for one in NAMES for wording in _wordings(rendered()[one])):
            sql, parameters = expand(wording, _samples(wording))
            try:
                connection.execute(f"EXPLAIN {pyformat(sql)}", parameters)
            except Exception as error:
                refused[name] = str(error)

    assert {} == refused


def test_overrides_name_statements_of_the_core():
    """An override of a statement that does not exist would never be used."""
    text = Path(postgres_engine.__file__).with_name("sql").joinpath("overrides.sql").read_text("utf-8")

    assert set(parse(text)) <= set(NAMES)


def test_overrides_of_fragments_name_fragments_of_the_core():
    """A fragment in other words stands in for one that there is."""
    text = Path(postgres_engine.__file__).with_name("sql").joinpath("overrides.sql").read_text("utf-8")
    folder = Path(nexus_core.storage.__file__).parent / "sql"
    known = {name for file in folder.glob("*.sql") for name in fragments(file.read_text("utf-8"))}

    assert {"bodies", "task_json"} == set(fragments(text)) <= known


def test_overrides_take_the_same_parameters():
    """A statement in other words is asked for in the same way."""
    text = Path(postgres_engine.__file__).with_name("sql").joinpath("overrides.sql").read_text("utf-8")
    own = {name: set(_PARAMETER.findall(sql)) for name, sql in parse(text).items()}

    assert {name: set(_PARAMETER.findall(statements()[name])) for name in own} == own


def test_few_statements_are_overridden():
    """Above a fifth, a collection deserves an adapter of its own."""
    text = Path(postgres_engine.__file__).with_name("sql").joinpath("overrides.sql").read_text("utf-8")

    assert len(parse(text)) * 5 <= len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_statement_is_used(name):
    """A statement that nobody runs is one that nobody keeps right."""
    folder = Path(nexus_core.storage.__file__).parent

    assert any(f'"{name}"' in file.read_text("utf-8") for file in folder.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_statement_avoids_the_known_traps(name):
    """No `::` (SQLite has none), and no bare `:x IS NULL` (PostgreSQL cannot tell its type)."""
    sql = statements()[name]

    assert "::" not in sql
    assert not re.search(r"\*(?!/|\))(?<!/\*)", sql), "columns that a newer Nexus adds would come along"
    assert not re.search(r"(?<![\w(]):\w+ IS (NOT )?NULL", sql)
