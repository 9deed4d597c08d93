"""The doctor of tasks on files from the wild, on both engines: it names what is odd, mends it, and harms nothing."""

import csv
import os
from pathlib import Path

import pytest

from nexus_core import Nexus, NotFound, Severity, UnreadableFile
from nexus_core.domain.checks.table import CHECKS

DATA = Path(os.environ.get("NEXUS_DATA", Path(__file__).parents[3] / "shared" / "data"))

#: An oddity of the index -> the checks of which one names it.
NAMED_BY = {
    "cycle": {"cycle", "self_dependency", "parent_dependency"},
    "dangling_dep": {"dangling_dependency"},
    "dep_numeric_string": {"text_dependencies"},
    "done_task_with_open_subtasks": {"done_with_open_subtasks"},
    "done_task_with_unfinished_dep": {"done_before_dependency"},
    "duplicate_subtask_id": {"duplicate_id"},
    "duplicate_task_id": {"duplicate_id"},
    "id_gaps": {"id_gaps"},
    "pending_task_all_subtasks_done": {"open_with_closed_subtasks"},
    "self_dependency": {"self_dependency"},
    "subtask_dep_dotted_own": {"dotted_dependencies"},
    "subtask_dep_only_matches_a_task": {"read_as_task"},
    "subtask_dep_other_tasks_subtask": {"cross_dependencies"},
    "subtask_id_dotted_string": {"dotted_ids"},
    "subtask_id_float": {"odd_ids"},
    "subtask_id_non_numeric": {"odd_ids"},
    "subtask_missing_title": {"missing_title"},
    "task_id_non_numeric": {"odd_ids"},
    "task_id_numeric_string": {"text_ids", "mixed_id_types"},
    "task_without_subtasks_key": {"missing_fields"},
    "unusual_status": {"unusual_status", "unknown_status"},
    **{
        f"{kind}_missing_{field}": {"missing_fields"}
        for kind in ("task", "subtask")
        for field in ("dependencies", "description", "details", "priority", "status", "testStrategy")
    },
}

IN_LIVE_TASKS = {check.code for check in CHECKS}


def imported(hub: Nexus, every: int = 1) -> dict[str, Path]:
    """The files that are Taskmaster's (or one in so many), imported; by repository."""
    found = {}
    for path in [*sorted(DATA.glob("tasksjson/*.json")), *sorted(DATA.glob("tasksjson_broken/*.json"))][::every]:
        name = f"wild/r{len(found)}"
        try:
            hub.tasks.import_file(path.read_bytes(), name)
        except UnreadableFile:
            continue
        found[name] = path
    if not found:
        pytest.skip(f"no files from the wild at {DATA}; set NEXUS_DATA")
    return found


def codes(hub: Nexus, name: str) -> set[str]:
    """What is found in a repository."""
    return {finding.check.code for finding in hub.task_doctor.examine(name).items}


def index() -> dict[str, dict[str, str]]:
    """The index of the files: their oddities."""
    with (DATA / "tasksjson" / "index.csv").open(encoding="utf-8") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


@pytest.mark.timeout(600)
def test_every_oddity_of_the_wild_is_named_and_no_sound_file_alarms(hub: Nexus) -> None:
    """What the index counts is found in each file; one for which it has nothing asks nobody to look at its text.

    And no file drowns people: all that is found in one fits on a page.
    """
    rows = index()
    missed, alarms, drowned, sound = [], [], [], 0
    for name, path in imported(hub).items():
        found = {finding.check.code: finding.check.severity for finding in hub.task_doctor.examine(name).items}
        grave = {code for code, severity in found.items() if severity is not Severity.NOTE}
        drowned += [(path.name, found)] if len(found) > 20 or len(grave) > 10 else []
        if path.name in rows:
            oddities = [one.partition("=")[0] for one in rows[path.name]["oddities"].split(";") if one]
            missed += [(path.name, oddity) for oddity in oddities if not NAMED_BY[oddity] & found.keys()]
            alarms += [(path.name, code) for code in grave - IN_LIVE_TASKS if not oddities]
            sound += not oddities

    assert sound > 10
    assert ([], [], []) == (missed, alarms, drowned)


@pytest.mark.timeout(600)
def test_what_is_mended_is_gone_and_stays_so(hub: Nexus) -> None:
    """The mended is found no more, the old file changes nothing, the mended file comes back as it is."""
    wrong = []
    for name, path in imported(hub, every=4).items():
        checks = [finding.check for finding in hub.task_doctor.examine(name).items]
        named = [check.code for check in checks if (mend := check.mend()) is not None and mend.edits_file]
        before = hub.tasks.export_file(name)
        done = {one.check.code for one in hub.task_doctor.mend(name, named).mended}
        after = hub.tasks.export_file(name)
        hub.tasks.import_file(path.read_bytes(), name)
        again, left = hub.tasks.export_file(name), codes(hub, name)
        report = hub.tasks.import_file(after, name)
        holds = (
            done == set(named),
            bool(named) is (before != after),
            not left & done,
            after == again == hub.tasks.export_file(name),
            not codes(hub, name) & done,
            report.created == 0,
        )
        wrong += [] if all(holds) else [(path.name, named, holds)]

    assert [] == wrong


def test_a_repository_that_is_not_there_is_not_found(hub: Nexus) -> None:
    """On either engine."""
    with pytest.raises(NotFound):
        hub.task_doctor.examine("acme/none")
    with pytest.raises(NotFound):
        hub.task_doctor.mend("acme/none")
