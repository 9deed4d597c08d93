"""The doctor of Taskmaster's files: what each check finds, where, and that a mend changes that and nothing else."""

import json

import pytest

from nexus_core.domain.checks.table import CHECKS
from nexus_core.domain.findings import FileMend, Severity
from nexus_core.formats.taskmaster import DOCTOR, parse

SOUND = {"description": "", "details": "", "status": "pending", "dependencies": []}


def task(task_id, **fields):
    """A task object as Taskmaster writes it."""
    more = {"testStrategy": "", "priority": "medium", "subtasks": []}
    return {"id": task_id, "title": f"T{task_id}", **SOUND, **more, **fields}


def sub(task_id, **fields):
    """A subtask as Taskmaster writes it."""
    return {"id": task_id, "title": f"S{task_id}", **SOUND, **fields}


def file(*tasks, **top):
    """A flat file, as Taskmaster writes it."""
    return json.dumps({"tasks": list(tasks), **top}, indent=2).encode()


def cases(content):
    """Each finding as its code and its cases."""
    return {one.check.code: one.cases for one in DOCTOR.examine(content).diagnoses}


def keys(content):
    """Each finding as its code and the keys of its cases."""
    return {code: [case.key for case in those] for code, those in cases(content).items()}


def mended(content, *codes):
    """The file with all that these checks would have mended in it, where Nexus has the dependencies of the file."""
    live = {(task.external_key, on) for task in parse(content).tasks for on in task.dependencies}
    edits = [edit for code, those in cases(content).items() if code in codes for case in those for edit in case.edits]
    return DOCTOR.mend(content, edits, live)


def test_a_sound_file_has_no_findings():
    """Numbers, subtasks, dependencies of every plain kind."""
    done = task(1, status="done", subtasks=[sub(1, status="done"), sub(2, status="done")])
    sound = file(done, task(2, dependencies=[1, "1.2"]), task(3, dependencies=[2], subtasks=[sub(4)]))

    assert {} == keys(sound)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task(1), task(1)], {"duplicate_id": ["master:1#2"]}),
        ([task(1), task(2, dependencies=[9])], {"dangling_dependency": ["master:2"]}),
        ([task(1), task(2, dependencies=[None])], {"odd_dependency": ["master:2"]}),
        ([task(1), task(2, dependencies=[2])], {"self_dependency": ["master:2"]}),
        ([task(1), task(2, dependencies=[1, 1])], {"duplicate_dependency": ["master:2"]}),
        ([task(1, subtasks=[sub(2, dependencies=[1])])], {"parent_dependency": ["master:1.2"]}),
        ([task(1, subtasks=[sub(2)], dependencies=["1.2"])], {"subtask_dependency": ["master:1"]}),
        ([task(1), task(5, subtasks=[sub(2, dependencies=[1])])], {"read_as_task": ["master:5.2"], "id_gaps": [None]}),
        ([task(1, status="todo")], {"unknown_status": ["master:1"]}),
        ([task(1, priority="urgent")], {"unknown_priority": ["master:1"]}),
        ([task(1, status="completed")], {"unusual_status": ["master:1"]}),
        ([task(1, status="in_progress")], {"unusual_status": ["master:1"]}),
        ([task(1, priority="critical")], {"critical_priority": ["master:1"]}),
        ([task(1.5)], {"odd_ids": ["master:1.5"]}),
        ([task("CKA.1")], {"odd_ids": ["master:CKA.1"]}),
        ([task("HAM-1")], {}),
        ([task("1"), task("2")], {"text_ids": ["master:1", "master:2"]}),
        ([task(1), task("2")], {"mixed_id_types": ["master:2"]}),
        ([task(1, subtasks=[sub("1.2")])], {"dotted_ids": ["master:1.2"]}),
        ([task(1), task(2, dependencies=["1"])], {"text_dependencies": ["master:2"]}),
        ([task(1, subtasks=[sub(2), sub(3, dependencies=["1.2"])])], {"dotted_dependencies": ["master:1.3"]}),
        (
            [task(1, subtasks=[sub(3)]), task(2, subtasks=[sub(4, dependencies=["1.3"])])],
            {"cross_dependencies": ["master:2.4"]},
        ),
        (
            [task(1), task(2, subtasks=[sub(1), sub(2, dependencies=[1])])],
            {"ambiguous_dependency": ["master:2.2"]},
        ),
        ([task(1), task(4), task(9)], {"id_gaps": [None]}),
        ([task(11), task(12)], {}),
        ([task(1, subtasks=[sub(1, parentId="undefined")])], {"undefined_parent": ["master:1.1"]}),
        ([task(1, recommendedSubtasks=3)], {"report_data": ["master:1"]}),
        (
            [task(1, complexityReasoning="Automatically added due to missing analysis in AI response.")],
            {"placeholder_complexity": ["master:1"], "report_data": ["master:1"]},
        ),
        ([task(1, depends_on=[2]), task(2)], {"foreign_dependencies": ["master:1"]}),
        ([task(1, status="review")], {"next_disagrees": ["master:1"]}),
        (
            [task(1, status="cancelled"), task(2, dependencies=[1]), task(3, dependencies=[2])],
            {"next_disagrees": ["master:2"]},
        ),
        ([{"id": 1, "title": "T"}], {"missing_fields": [None] * 7}),
    ],
)  # fmt: skip
def test_a_check_finds_its_cases(tasks, expected):
    """And no other check has anything to say of them."""
    assert expected == keys(file(*tasks))


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"created": "2025", "updated": "2025", "description": "d"}, False),
        ({"version": "1.0.0", "lastModified": "2025", "taskCount": 1, "completedCount": 0, "tags": ["m"]}, True),
        ({"created": "2025", "lastModified": "2025", "taskCount": 1}, False),
    ],
)
def test_metadata_that_one_tool_took_from_another_is_told(metadata, found):
    """In either layout."""
    flat = file(task(1), metadata=metadata)
    tagged = json.dumps({"m": {"tasks": [task(1)], "metadata": metadata}}).encode()

    assert [found, found] == ["metadata_overwritten" in keys(content) for content in (flat, tagged)]


def test_both_layouts_at_once_are_told():
    """Once for the file."""
    mixed = json.dumps({"tasks": [task(1)], "b": {"tasks": [task(1)]}}).encode()

    assert {"mixed_layout": [None]} == keys(mixed)


def test_a_case_says_where_it_is():
    """The line of the element, not of the task."""
    content = file(task(1), task(2, dependencies=[1, 9]))
    [case] = cases(content)["dangling_dependency"]

    assert "9" == content.splitlines()[case.line - 1].decode().strip()
    assert "there is no task 9" == case.message


def test_second_tasks_of_one_id_are_offered_ids_that_are_free():
    """Each another one."""
    found = cases(file(task(2), task(2), task(7), task(2)))["duplicate_id"]

    assert ["8 is free", "9 is free"] == [case.message.rpartition("; ")[2] for case in found]


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("undefined_parent", '"parentId": "undefined"', '"parentId": "2"'),
        ("unusual_status", '"status": "completed"', '"status": "done"'),
        ("unknown_status", '"status": "todo"', '"status": "pending"'),
        ("unknown_priority", '"priority": "urgent"', '"priority": "medium"'),
        ("dangling_dependency", '"dependencies": [1, 9]', '"dependencies": [1]'),
        ("self_dependency", '"dependencies": [3, 1]', '"dependencies": [1]'),
        ("duplicate_dependency", '"dependencies": [1, 2, 1]', '"dependencies": [1, 2]'),
        ("odd_dependency", '"dependencies": [null]', '"dependencies": []'),
        ("ambiguous_dependency", '"dependencies": [1]', '"dependencies": ["2.1"]'),
    ],
)
def test_a_mend_changes_one_value_and_nothing_else(code, before, after):
    """Of a file that is written by hand, with every byte beside it kept; and then there is nothing more to find."""
    subtasks = f'[{{"id":1, "title":"S" }},{{"id":2,"title":"x", {before} }}]'
    in_subtask = code in ("undefined_parent", "ambiguous_dependency")
    second = f'{{"id": 2,   "title": "é\\u00e9", "subtasks": {subtasks if in_subtask else "[]"}}}'
    third = f'{{"title": "C", {"" if in_subtask else before + ", "}"id": 3}}'
    text = f'{{"tasks": [{{"id": 1, "title": "A"}},\r\n\t{second} , {third}], "more": 1e5 }}\n'

    assert code in keys(text.encode())
    assert text.replace(before, after).encode() == (new := mended(text.encode(), code))
    assert code not in keys(new)


def test_elements_on_lines_of_their_own_stay_so():
    """As Taskmaster writes them."""
    content = file(task(1), task(2), task(3, dependencies=[1, 9, 2]))

    assert file(task(1), task(2), task(3, dependencies=[1, 2])) == mended(content, "dangling_dependency")


def test_a_mend_waits_where_the_file_says_something_else():
    """What somebody wrote meanwhile is theirs."""
    mend = FileMend(key="master:1", member="status", was='"completed"', now='"done"')
    content = file(task(1, status="review"))

    assert content == DOCTOR.mend(content, [mend], ())


def test_what_became_a_dependency_is_not_taken_out():
    """9 did not exist when it was mended; now it does, and Nexus waits for it."""
    mend = FileMend(key="master:1", member="dependencies", was="9")
    content = file(task(1, dependencies=[9]), task(9))
    dropped = file(task(1, dependencies=[]), task(9))

    assert content == DOCTOR.mend(content, [mend], {("master:1", "master:9")})
    assert dropped == DOCTOR.mend(content, [mend], ())


def test_of_two_alike_one_is_written_and_one_taken_out():
    """The first is the dependency, the second is none."""
    content = file(task(1), task(2, subtasks=[sub(1), sub(2, dependencies=[1, 1])]))
    expected = file(task(1), task(2, subtasks=[sub(1), sub(2, dependencies=["2.1"])]))

    assert expected == mended(content, "ambiguous_dependency", "duplicate_dependency")


def test_the_facts_say_where_tasks_stand_and_what_they_depend_on():
    """For the checks of live tasks; what counts for nothing is no link."""
    facts = DOCTOR.examine(file(task(1), task(2, dependencies=[1, 9]))).facts

    assert {"master:1", "master:2"} == facts.lines.keys()
    assert [("master:2", "master:1", "1")] == [(link.key, link.on, link.drop.was) for link in facts.links]


def test_an_import_tells_whole_files_of_habits_once():
    """In the words of the check, once for each tag."""
    subtasks = [sub(number, parentId="undefined") for number in (1, 2)]
    [warning] = parse(file(task(1, subtasks=subtasks))).warnings

    assert "parentId is the word “undefined” in 2 subtasks, a defect of Taskmaster's" == warning.message
    assert "master, line 13" == warning.place


@pytest.mark.parametrize("check", DOCTOR.checks, ids=lambda check: check.code)
def test_what_somebody_should_look_at_says_what_to_do(check):
    """A mend of ours, or advice; and none of them shares its code with a check of live tasks."""
    assert check.severity is Severity.NOTE or check.mends or check.advice
    assert check.message(1) and "{" not in check.message(12)
    assert check.code not in {other.code for other in CHECKS}
    assert all(mend.edits_file for mend in check.mends)
