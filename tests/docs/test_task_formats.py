"""The page about task formats: its plugin is installed as it stands, and used by command and by API."""

import json
import os
import re
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest
from falcon import testing

from nexus_core.testing import nexus_for_test
from nexus_http.app import create_app

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "task-formats.md").read_text("utf-8")
(NAME, SOURCE), _ = re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CSV = b"key,title,status,depends_on\nmodel,The model,done,\nlogin,Log in,pending,model\n"


@pytest.fixture
def plugin(tmp_path):
    """The folder in which the plugin is installed."""
    info = tmp_path / "site" / "nexus_csv-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nexus-csv\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nexus]\ncsv = nexus_csv\n")
    (tmp_path / "site" / NAME).write_text(SOURCE)
    return tmp_path / "site"


@pytest.fixture
def nexus(plugin, tmp_path):
    """Run the command in a process of its own, over a hub of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")}
    environ |= {"NEXUS_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(plugin)}

    def run(*words):
        command = [sys.executable, "-m", "nexus_cli", "task", *words]
        return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)

    return run


def test_the_plugin_is_as_small_as_it_says():
    """30 lines, without those that are empty."""
    assert len([line for line in SOURCE.splitlines() if line.strip()]) <= 30


def test_a_format_of_a_plugin_works_by_command(nexus, tmp_path):
    """In, changed, out, in again; from Taskmaster to CSV; and a broken file is refused with its line."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # files are named from the checkout they lie in
    (tmp_path / "plan.csv").write_bytes(CSV)
    report = json.loads(nexus("import", "plan.csv", "--repo", "acme/api", "--json").stdout)
    moved = nexus("status", "NX-2", "review")
    added = nexus("add", "Made here", "--repo", "acme/api", "--depends-on", "NX-2", "--priority", "high")
    exported = nexus("export", "--repo", "acme/api")
    (tmp_path / "plan.csv").write_text(exported.stdout.replace("Log in", "Sign in"))
    again = json.loads(nexus("import", "plan.csv", "--repo", "acme/api", "--json").stdout)
    (tmp_path / "plan.csv").write_bytes(CSV.replace(b"pending", b"soon"))
    refused = nexus("import", "plan.csv", "--repo", "acme/api")

    assert ("csv", 2, 1) == (report["format"], report["created"], report["dependencies"])
    assert (0, 0) == (moved.returncode, added.returncode)
    assert CSV.decode().replace("pending", "review") + "task-3,Made here,pending,login\n" == exported.stdout
    assert (0, 1, 2, []) == (again["created"], again["changed"], again["unchanged"], again["warnings"])
    assert (2, "nexus: plan.csv: line 3: 'soon' is not a valid Status; nothing was changed\n") == (
        refused.returncode,
        refused.stderr,
    )
    assert ["Sign in", "high"] == [
        json.loads(nexus("show", key, "--json").stdout)[field] for key, field in (("2", "title"), ("3", "priority"))
    ]


def test_a_format_of_a_plugin_works_by_api(plugin):
    """Told by its media type, by `format`, by the path; answered with its media type."""
    spec = util.spec_from_file_location("nexus_csv", plugin / NAME)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with nexus_for_test(module) as hub:
        client = testing.TestClient(create_app(hub))
        key = {"Authorization": f"Bearer {hub.keys.create('admin', role='admin').secret}"}

        def send(query, media="application/octet-stream"):
            headers = {**key, "Content-Type": media}
            return client.simulate_post("/api/v1/tasks/import", query_string=query, body=CSV, headers=headers)

        first = send("repository=acme/a", "text/csv")
        named = send("repository=acme/b&format=csv")
        ended = send("repository=acme/c&path=docs/plan.csv")
        out = client.simulate_get("/api/v1/tasks/export", params={"repository": "acme/a"}, headers=key)
        asked = client.simulate_get(
            "/api/v1/tasks/export", params={"repository": "acme/a"}, headers={**key, "Accept": "application/jsonl"}
        )
        lines = [json.loads(line) for line in asked.text.splitlines()]

        assert ["csv"] * 3 == [answer.json["format"] for answer in (first, named, ended)]
        assert (CSV, "text/csv") == (out.content, out.headers["Content-Type"])
        assert "application/jsonl" == asked.headers["Content-Type"]
        assert [("model", None), ("login", ["model"])] == [
            (line["external_key"], line.get("dependencies")) for line in lines
        ]
