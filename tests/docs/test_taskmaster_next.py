"""The page that compares Taskmaster's `next` with ours says what the files say."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("NEXUS_DATA", ROOT.parent / "shared" / "data"))


def tool():
    """tools/taskmaster_next.py, which makes the page."""
    spec = importlib.util.spec_from_file_location("taskmaster_next", ROOT / "tools" / "taskmaster_next.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(
    not (DATA / "tasksjson" / "taskmaster_next.csv").is_file(),
    reason="the collection of real files is not here; NEXUS_DATA names its folder",
)
def test_the_page_is_what_the_files_give():
    """When this fails: `python tools/taskmaster_next.py DATA`, and look at what it wrote."""
    made = tool()

    assert made.page(*made.compare(DATA)) == made.PAGE.read_text("utf-8")


def test_the_page_is_linked():
    """From where the order of tasks is explained."""
    assert "(taskmaster-next.md)" in (ROOT / "docs" / "concepts.md").read_text("utf-8")
