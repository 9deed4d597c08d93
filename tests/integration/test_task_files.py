"""Task files from the wild, through the command line."""

import json
import os
from pathlib import Path

import hubs
import pytest

DATA = Path(os.environ.get("NEXUS_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def wild() -> list[Path]:
    found = sorted(DATA.glob("tasksjson/*.json")) + sorted(DATA.glob("tasksjson_broken/*.json"))
    if not found:
        pytest.skip(f"no files from the wild at {DATA}; set NEXUS_DATA")
    return found


def test_every_file_is_imported_or_refused_with_a_reason(wild: list[Path], tmp_path: Path) -> None:
    """Each file gives a report, or one line with its name, a line number and the reason; never a traceback."""
    environ = hubs.environment(tmp_path)
    odd = []
    with hubs.running_hub(environ, tmp_path):
        for number, path in enumerate(wild):
            run = hubs.nexus(environ, "task", "import", str(path), "--repo", f"wild/r{number}", "--json")
            imported = run.returncode == 0 and json.loads(run.stdout)["tasks"] >= 0
            refused = run.returncode == 2 and path.name in run.stderr and "line " in run.stderr
            if not (imported or refused) or "Traceback" in run.stderr:
                odd.append((path.name, run.returncode, run.stdout[:200], run.stderr[:500]))

    assert [] == odd


def test_an_untouched_file_comes_back_byte_for_byte(wild: list[Path], tmp_path: Path) -> None:
    """Import, then export: the same bytes."""
    environ = hubs.environment(tmp_path)
    different = []
    with hubs.running_hub(environ, tmp_path):
        for number, path in enumerate(wild[::6]):
            repo = f"wild/r{number}"
            if hubs.nexus(environ, "task", "import", str(path), "--repo", repo).returncode == 0:
                out = tmp_path / "out.json"
                hubs.nexus(environ, "task", "export", "--repo", repo, "--output", str(out))
                if out.read_bytes() != path.read_bytes():
                    different.append(path.name)

    assert [] == different
