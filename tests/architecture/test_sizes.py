"""The house stays small, typed and described: measured on every file of every package."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("packages/*/src", "tools", "bench") for path in ROOT.glob(f"{folder}/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
MOST_LINES = 500
LONGEST_BODY = 60
#: Functions that may be longer, each with its reason. It is empty, and a pleasure to keep so.
LONGER: dict[str, str] = {}


def name_of(path):
    return str(path.relative_to(ROOT))


def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def body_lines(function):
    """The lines of a function without its docstring, as the style guide counts them."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False):
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def functions(path):
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_there_is_something_to_measure():
    """An empty list would hold everything."""
    assert len(SOURCES) > 200
    assert len(TESTS) > 50


def test_files_are_short():
    """One idea a file."""
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in [*SOURCES, *TESTS]}

    assert {} == {name: number for name, number in lines.items() if number > MOST_LINES}


def test_functions_are_short():
    """What is longer than a screen is two functions."""
    long = {
        f"{name_of(path)}:{function.lineno} {function.name}": body_lines(function)
        for path in SOURCES
        for function in functions(path)
        if body_lines(function) > LONGEST_BODY and function.name not in LONGER
    }

    assert {} == long


def test_there_is_one_colour_of_function():
    """Nexus is synchronous throughout (docs/decisions/0001); peers that benches compare with are what they are."""
    coloured = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in SOURCES
        if not name_of(path).startswith("bench/")
        for function in functions(path)
        if isinstance(function, ast.AsyncFunctionDef) and "bench" not in path.parts
    ]

    assert [] == coloured


def test_an_exception_from_a_rule_has_its_reason_beside_it():
    """`# noqa: X - why`, `# type: ignore[x] # why`."""
    bare = [
        f"{name_of(path)}:{number} {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if ("# noqa" in line and " - " not in line.partition("# noqa")[2])
        or ("# type: ignore" in line and "#" not in line.partition("# type: ignore")[2])
    ]

    assert [] == bare


def test_every_test_says_what_behaviour_it_holds():
    """In its docstring."""
    silent = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in TESTS
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]

    assert [] == silent


@pytest.mark.parametrize("package", sorted(ROOT.glob("packages/*")), ids=lambda path: path.name)
def test_a_package_is_whole(package):
    """It says that it is typed, what it is, under which licence, and which exact core it needs."""
    [source] = package.glob("src/*/__init__.py")
    project = (package / "pyproject.toml").read_text()

    assert (source.parent / "py.typed").exists()
    assert package.name.replace("-", "_") == source.parent.name
    assert (package / "README.md").exists()
    assert 'license = "Apache-2.0"' in project
    assert package.name == "nexus-core" or '"nexus-core==0.1.0"' in project
