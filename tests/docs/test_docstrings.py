"""The examples in docstrings hold, and the list of public names is the same for people and for type checkers."""

import ast
import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import nexus_core

PACKAGES = (
    "nexus_core", "nexus_http", "nexus_cli", "nexus_worker", "nexus_plugin_postgres", "nexus_plugin_github",
    "nexus_plugin_slack", "nexus_plugin_agents", "nexus_demo",
)  # fmt: skip


def with_examples():
    """Every module whose text has an example."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            file = info.module_finder.find_spec(info.name, None).origin
            if file and ">>>" in Path(file).read_text("utf-8"):
                yield info.name


@pytest.mark.parametrize("name", list(with_examples()))
def test_the_examples_of_a_module_hold(name):
    """As a reader would try them."""
    found = doctest.testmod(importlib.import_module(name))

    assert 0 == found.failed
    assert found.attempted


@pytest.mark.parametrize("name", ["domain.readiness", "domain.graph", "domain.references", "clock", "config"])
def test_the_core_is_among_those_that_are_looked_at(name):
    """So that the search above cannot find nothing."""
    module = importlib.import_module(f"nexus_core.{name}")

    assert name == "domain.readiness" or doctest.DocTestFinder().find(module)


def stub_names():
    """Name -> the module that `__init__.pyi` takes it from."""
    file = Path(nexus_core.__file__).with_suffix(".pyi")
    return {
        alias.asname: node.module
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_see_the_names_that_there_are():
    """`__init__.pyi` and the table from which the package loads its names say the same."""
    assert dict(nexus_core._HOME_OF) == stub_names()


def test_every_public_name_can_be_loaded():
    """Each from where the table says."""
    for name in nexus_core.__all__:
        assert getattr(nexus_core, name) is not None


def test_what_is_not_public_is_an_attribute_error():
    """With the name."""
    with pytest.raises(AttributeError, match="no attribute 'TaskCompletd'"):
        nexus_core.TaskCompletd  # noqa: B018 - looking is the test
