"""Start-up is a feature: what the CLI must not import, by way of running it and looking."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

HEAVY = {
    "psycopg", "kombu", "slack_sdk", "httpx", "requests", "urllib3", "gunicorn", "rich", "sqlalchemy", "celery",
    "redis", "networkx", "asyncio",
}  # fmt: skip
#: What the embedded way needs, and nothing else does.
EMBEDDED = {
    "falcon",
    "attr",
    "attrs",
    "cattrs",
    "pluggy",
    "sqlite3",
    "importlib.metadata",
    "nexus_core.nexus",
    "nexus_http",
}
PROBE = """
import sys
from nexus_cli.main import main
code = main(sys.argv[1:])
print(code, *sys.modules, file=sys.stderr)
"""


def modules_of(environ, *arguments):
    """The modules that a run of the command had loaded at its end."""
    environ = {**{name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")}, **environ}
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], env=environ, capture_output=True, text=True, timeout=60
    )
    code, *modules = ran.stderr.splitlines()[-1].split()
    assert "0" == code, ran.stderr
    return set(modules)


@pytest.fixture
def hub():
    """The address of a server that knows no task."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"task": null, "reasons": []}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_help_imports_click_and_the_table(tmp_path):
    """No command, no client, no core beyond its name, no scan by importlib.metadata."""
    loaded = modules_of({"NEXUS_DATA_DIR": str(tmp_path)}, "--help")

    assert set() == loaded & (HEAVY | EMBEDDED | {"http.client", "json", "nexus_core.config", "tomllib"})
    assert set() == {name for name in loaded if name.startswith("nexus_cli.commands")}


def test_asking_a_hub_imports_the_standard_librarys_client_alone(tmp_path, hub):
    """No third-party package but click."""
    environ = {"NEXUS_DATA_DIR": str(tmp_path), "NEXUS_URL": hub, "XDG_CONFIG_HOME": str(tmp_path)}
    loaded = modules_of(environ, "task", "next", "--json")
    third_party = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)

    assert set() == loaded & (HEAVY | EMBEDDED | {"nexus_core.config", "nexus_core.domain", "tomllib"})
    assert {"click", "nexus_cli", "nexus_core"} == {name for name in third_party if not name.startswith("_")} - {
        "sitecustomize", "usercustomize",
    }  # fmt: skip


def test_the_embedded_way_imports_nothing_that_it_does_not_use(tmp_path):
    """The plugins are loaded there, so this holds their hooks to be light as well."""
    environ = {"NEXUS_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path)}
    loaded = modules_of(environ, "task", "next", "--json")

    # Falcon itself imports asyncio.
    assert set() == loaded & (HEAVY - {"asyncio"} | {"nexus_http.serve", "nexus_http.openapi", "nexus_cli.remote"})
