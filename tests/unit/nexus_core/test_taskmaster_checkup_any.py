"""The doctor of Taskmaster's files on whatever can be read at all: it never fails, and a mend changes no meaning."""

import json

from hypothesis import given
from hypothesis import strategies as st

from nexus_core.errors import UnreadableFile
from nexus_core.formats.taskmaster import DOCTOR, parse

WORDS = (
    "done",
    "Completed",
    "in_progress",
    "todo",
    "urgent",
    "critical",
    "undefined",
    "",
    "\x00",
    "1.1",
    "HAM-1",
    "CKA.1",
)
IDS = st.one_of(st.integers(-1, 4), st.sampled_from(["1", "2", "1.1", "2.1", "1-2", 1.1, 2.0, None, "9" * 120, "x"]))
ODD = st.one_of(st.none(), st.booleans(), st.integers(-2, 12), st.floats(0, 3), st.sampled_from(WORDS))
VALUE = st.one_of(ODD, st.lists(ODD, max_size=3), st.dictionaries(st.sampled_from(WORDS), ODD, max_size=2))
DEPENDENCIES = st.one_of(st.lists(IDS, max_size=4), VALUE)
FIELDS = st.dictionaries(
    st.sampled_from(["status", "priority", "parentId", "complexity", "complexityReasoning", "tags", "depends_on"]),
    VALUE, max_size=4,
)  # fmt: skip


def objects(subtasks):
    """Lists of task objects, most with an id, a title and dependencies."""
    whole = st.fixed_dictionaries(
        {"id": IDS, "title": st.just("T"), "dependencies": DEPENDENCIES, "subtasks": subtasks}
    )
    task = st.builds(lambda plain, more: {**plain, **more}, whole, FIELDS)
    return st.lists(st.one_of(task, task, task, VALUE), max_size=4)


TASKS = objects(st.one_of(objects(st.one_of(objects(VALUE), VALUE)), VALUE))
FILES = st.one_of(
    st.builds(lambda tasks, more: {"tasks": tasks, "metadata": more}, TASKS, VALUE),
    st.dictionaries(st.sampled_from(["master", "b", "tasks"]), st.builds(lambda tasks: {"tasks": tasks}, TASKS)),
    TASKS,
)


def meaning(parsed):
    """What is read of each task."""
    return [
        (task.external_key, task.title, task.status, task.priority, task.labels, set(task.dependencies))
        for task in parsed.tasks
    ]


@given(FILES, st.sampled_from([None, 2]))
def test_all_mends_at_once_change_no_meaning_and_leave_nothing(content, indent):
    """The tasks and their dependencies are read as before; what has an edit is not found again, nor changed again."""
    file = json.dumps(content, indent=indent).encode()
    try:
        before = parse(file)
    except UnreadableFile:
        return
    live = {(task.external_key, on) for task in before.tasks for on in task.dependencies}
    edits = [edit for one in DOCTOR.examine(file).diagnoses for case in one.cases for edit in case.edits]
    mended = DOCTOR.mend(file, edits, live)
    left = [case for one in DOCTOR.examine(mended).diagnoses for case in one.cases if case.edits]

    assert meaning(before) == meaning(parse(mended))
    assert ([], mended) == (left, DOCTOR.mend(mended, edits, live))
