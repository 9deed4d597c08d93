"""Thousands of files that nobody would want: each is refused with its line, or comes in whole and goes out again.

`NEXUS_WILD` says how many (a few by default), `NEXUS_WILD_SEED` at which number to begin.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from engines import open_hub
from wild import WildFile, next_version, wild_file
from wild_checks import change_rightly, import_rightly, next_version_rightly

DATA = Path(os.environ.get("NEXUS_DATA", Path(__file__).parents[3] / "shared" / "data")) / "tasksjson"
FIRST = int(os.environ.get("NEXUS_WILD_SEED", "0"))
MANY = int(os.environ.get("NEXUS_WILD", "100"))
HUB = 200  # files that one hub takes, so that it stays quick


@pytest.fixture(scope="module")
def originals() -> list[bytes]:
    """Real files to bend, where there are any: the small ones, since what is odd in a file is seldom its size."""
    found = [file.read_bytes() for file in sorted(DATA.glob("*.json"))]
    return [content for content in found if len(content) < 60_000]


def test_any_file(database_url, originals):
    """Each seed is a file; its number is all that is needed to see a failure again."""
    many = MANY if database_url.startswith("sqlite:") else max(10, MANY // 10)
    seen: Counter[str] = Counter()
    for begin in range(FIRST, FIRST + many, HUB):
        with open_hub(database_url) as nexus:
            for seed in range(begin, min(begin + HUB, FIRST + many)):
                seen.update(one_file(nexus, database_url, seed, originals))
        if many > HUB:
            Path(database_url.removeprefix("sqlite:///")).unlink(missing_ok=True)

    print(dict(seen))
    assert seen["imported"] and seen["refused"]
    if many >= 100:
        assert {
            "status",
            "title",
            "priority",
            "details",
            "labels",
            "depend",
            "undepend",
            "create",
            "versions",
        } <= seen.keys()


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no task files in {DATA} (NEXUS_DATA names their folder's parent)")
def test_every_real_file(database_url):
    """Those from public repositories, and versions from history that are broken: what a second reading says holds."""
    files = [*sorted(DATA.glob("*.json")), *sorted((DATA.parent / "tasksjson_broken").glob("*.json"))]
    refused = []
    with open_hub(database_url) as nexus:
        for number, file in enumerate(files):
            real = WildFile(seed=number, content=file.read_bytes(), damage="")
            if import_rightly(nexus, database_url, real, f"real/file-{number}") is None:
                refused.append(file.name.partition("__")[0])

    others = ["19960705", "ASKKPOP", "Bilytechz", "DIAGNijmegen"]
    assert [*others, "conflict_markers", "invalid_json", "invalid_json"] == refused


def one_file(nexus, url, seed, originals):
    """Import a file, and change a few things, or let others change it; what came of it."""
    file, random = wild_file(seed, originals), Random(seed)
    try:
        found = import_rightly(nexus, url, file, f"wild/file-{seed}")
        if found is None:
            return ["refused"]
        if seed % 4 == 0:
            content = found.content
            for _ in range(3):
                content = next_version(content, random)
                if not next_version_rightly(nexus, url, found, content):
                    return ["imported", "version refused"]
            return ["imported", "versions"]
        changes = [change_rightly(nexus, url, found, random) for _ in range(random.randint(1, 4))]
        return ["imported", *(["cycles"] if found.cycles else []), *filter(None, changes)]
    except Exception as error:
        error.add_note(f"the file is that of seed {seed}{f', damaged: {file.damage}' if file.damage else ''}")
        raise
