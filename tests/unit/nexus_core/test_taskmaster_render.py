"""Writing tasks back into Taskmaster's files: only what changed is touched."""

import json
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_core.domain.tasks import Priority, Status, Task
from nexus_core.errors import UnreadableFile
from nexus_core.formats.taskmaster import new_keys, parse, render

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

FLAT = b"""{
  "tasks": [
    {
      "id": 1,
      "title": "One",
      "description": "caf\\u00e9 \\/",
      "status": "completed",
      "dependencies": [],
      "priority": "high",
      "estimate": 1.50,
      "subtasks": [
        {
          "id": 1,
          "title": "Sub"
        },
        {
          "id": 2,
          "title": "Other",
          "dependencies": [
            1
          ]
        }
      ]
    },
    {
      "id": 2,
      "title": "Two",
      "status": "in-progress",
      "dependencies": [1, 9],
      "subtasks": []
    }
  ],
  "metadata": { "version": "1" }
}
"""


def stored(content):
    """The tasks of a file as Nexus holds them after an import, and their keys."""
    parsed = parse(content)
    ids = {task.external_key: number for number, task in enumerate(parsed.tasks, 1)}
    tasks = {
        task.external_key: Task(
            id=ids[task.external_key],
            title=task.title,
            status=task.status,
            priority=task.priority,
            version=1,
            created_at=AT,
            updated_at=AT,
            parent_id=ids[task.parent_key] if task.parent_key else None,
            description=task.description,
            details=task.details,
            test_strategy=task.test_strategy,
            labels=task.labels,
            dependencies=tuple(ids[key] for key in task.dependencies),
            external_key=task.external_key,
            raw_data=task.raw_data,
        )
        for task in parsed.tasks
    }
    return tasks, {number: key for key, number in ids.items()}


def changed(content, key, **changes):
    """The file after a change of one task."""
    tasks, keys = stored(content)
    tasks[key] = attrs.evolve(tasks[key], **changes)
    return render(content, list(tasks.values()), keys)


def added(content, *new):
    """The file after new tasks."""
    tasks, keys = stored(content)
    return render(content, [*tasks.values(), *new], keys)


def fresh(number, title, **fields):
    """A task made in Nexus."""
    defaults = {"status": Status.PENDING, "priority": Priority.MEDIUM, "version": 1, "created_at": AT, "updated_at": AT}
    return Task(id=number, title=title, **{**defaults, **fields})


def difference(before, after):
    """What was taken out of a text, and what was put in its place."""
    start = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    end = next((i for i, (a, b) in enumerate(zip(before[start:][::-1], after[start:][::-1], strict=False)) if a != b),
               min(len(before), len(after)) - start)  # fmt: skip
    return before[start : len(before) - end].decode(), after[start : len(after) - end].decode()


VARIANTS = {
    "as it is": FLAT,
    "no final newline": FLAT.rstrip(),
    "windows": b"\xef\xbb\xbf" + FLAT.replace(b"\n", b"\r\n"),
    "tabs": FLAT.replace(b"  ", b"\t"),
    "one line": json.dumps(json.loads(FLAT), separators=(",", ":")).encode(),
    "tagged": json.dumps({"master": json.loads(FLAT), "other": json.loads(FLAT)}, indent=2).encode(),
    "bare list": json.dumps(json.loads(FLAT)["tasks"], indent=4).encode(),
}


@pytest.mark.parametrize("content", VARIANTS.values(), ids=VARIANTS)
def test_an_unchanged_file_is_the_same_to_the_byte(content):
    """Escapes, spacing, number spellings, line ends and unknown fields stay."""
    tasks, keys = stored(content)

    assert content == render(content, list(tasks.values()), keys)


@pytest.mark.parametrize("content", VARIANTS.values(), ids=VARIANTS)
def test_a_changed_status_changes_one_value(content):
    """Nothing else of the file moves."""
    after = changed(content, "master:2", status=Status.DONE)

    assert 1 == content.replace(b'"in-progress"', b'"done"', 1).count(after)


@pytest.mark.parametrize("content", VARIANTS.values(), ids=VARIANTS)
def test_an_added_task_reads_back(content):
    """It joins the list of its tag in the style of the file, and all that was there stays."""
    task = fresh(99, "New “one”", dependencies=(1,), status=Status.REVIEW, priority=Priority.LOW)
    after = added(content, task)
    (new,) = [task for task in parse(after).tasks if task.external_key == "master:3"]

    assert (new.title, new.status, new.priority, new.dependencies) == (
        "New “one”", Status.REVIEW, Priority.LOW, ("master:1",),
    )  # fmt: skip
    assert len(parse(content).tasks) + 1 == len(parse(after).tasks)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"title": 'Say "hi"'}, ("One", 'Say \\"hi\\"')),
        ({"description": "ü\n"}, ("caf\\u00e9 \\/", "\\u00fc\\n")),
        ({"status": Status.CANCELLED}, ("omplet", "ancell")),
        ({"status": Status.DONE}, ("", "")),
        ({"details": "new"}, ("", 'details": "new",\n      "')),
        ({"test_strategy": "new"}, ("", 'testStrategy": "new",\n      "')),
        ({"labels": ("a", "b")}, ("", ',\n      "tags": [\n        "a",\n        "b"\n      ]')),
    ],
)
def test_changed_fields(changes, expected):
    """A changed field is replaced in its place; one that was missing comes where Taskmaster would write it."""
    assert expected == difference(FLAT, changed(FLAT, "master:1", **changes))


def test_subtasks_without_a_priority_follow_their_parent():
    """As for Taskmaster; one that does not follow gets a priority of its own, so that it stays as it is."""
    tasks, keys = stored(FLAT)
    parent = attrs.evolve(tasks["master:1"], priority=Priority.CRITICAL)
    first, second = (attrs.evolve(tasks[f"master:1.{local}"], priority=Priority.CRITICAL) for local in (1, 2))
    together = render(FLAT, [parent, first, second], keys)
    apart = render(FLAT, [parent, first, tasks["master:1.2"]], keys)

    assert ("high", "critical") == difference(FLAT, together)
    assert ("", ',\n          "priority": "high"') == difference(together, apart)


def test_several_changes_at_once():
    """Fields that were missing in a small object keep Taskmaster's order."""
    after = changed(FLAT, "master:1.1", status=Status.DONE, description="d", test_strategy="t", title="New")

    fields = list(json.loads(after)["tasks"][0]["subtasks"][0])
    assert ["id", "title", "description", "testStrategy", "status"] == fields


def test_the_other_test_strategy_is_kept():
    """A file that writes it with an underscore is not given a second one."""
    content = b'[{"id": 1, "title": "A", "test_strategy": "x"}]'

    assert b'[{"id": 1, "title": "A", "test_strategy": "y"}]' == changed(content, "master:1", test_strategy="y")


def test_words_that_nobody_knows_stay():
    """A status that was read as pending is not rewritten as long as nobody moves the task."""
    content = b'[{"id": 1, "title": "A", "status": "todo", "priority": "P0", "details": ["a", "b"]}]'

    assert content.replace(b'"A"', b'"B"') == changed(content, "master:1", title="B")


def test_of_a_name_that_stands_twice_the_last_is_changed():
    """It is the one that counts."""
    content = b'[{"id": 1, "title": "A", "status": "done", "status": "review"}]'

    assert content.replace(b"review", b"blocked") == changed(content, "master:1", status=Status.BLOCKED)


@pytest.mark.parametrize(
    ("key", "dependencies", "expected"),
    [
        ("master:2", (), ("1, ", "")),
        ("master:2", (1, 2), ("", ", 1.1")),
        ("master:1.2", (), ("\n            1\n          ", "")),
    ],
)
def test_changed_dependencies(key, dependencies, expected):
    """Elements are taken away and added; those that lead nowhere stay; one line stays one line."""
    before, after = difference(FLAT, changed(FLAT, key, dependencies=dependencies))

    assert expected == (before, after.replace('"', ""))


def test_a_dependency_of_a_subtask_on_a_sibling():
    """A bare number, as in the rest of the file."""
    after = changed(FLAT, "master:1.1", dependencies=(3,))

    assert [2] == json.loads(after)["tasks"][0]["subtasks"][0]["dependencies"]


def test_a_dependency_that_would_be_read_as_another_is_left_out():
    """On a subtask a bare 2 is its sibling, so the file cannot say that it depends on task 2."""
    assert FLAT == changed(FLAT, "master:1.1", dependencies=(4,))


def test_dependencies_follow_the_spelling_of_the_file():
    """A file that writes texts gets texts, and dotted siblings where it has them."""
    subtasks = [{"id": 1, "title": "x"}, {"id": 2, "title": "y", "dependencies": ["1.1"]}, {"id": 3, "title": "z"}]
    tasks = [{"id": "1", "title": "A", "subtasks": subtasks}, {"id": "2", "title": "B"}]
    content = json.dumps({"tasks": tasks}, indent=2).encode()
    first = changed(content, "master:2", dependencies=(1,))

    assert ["1"] == json.loads(first)["tasks"][1]["dependencies"]
    assert ["1.2"] == json.loads(changed(content, "master:1.3", dependencies=(3,)))["tasks"][0]["subtasks"][2][
        "dependencies"
    ]


def test_dependencies_that_were_no_list():
    """They become one when they change."""
    content = b'[{"id": 1, "title": "A"}, {"id": 2, "title": "B"}, {"id": 3, "title": "C", "dependencies": "1"}]'

    assert b'"dependencies": ["1", 2]' in changed(content, "master:3", dependencies=(1, 2))


def test_dependencies_that_the_format_cannot_say_are_left_out():
    """Such as those on tasks of other repositories, or of other tags."""
    content = VARIANTS["tagged"]
    tasks, _ = stored(content)
    elsewhere = next(task.id for key, task in tasks.items() if key == "other:2")

    assert content == changed(content, "master:2", dependencies=(1, elsewhere, 4711))


def test_tasks_that_are_gone_are_left_alone():
    """What Nexus does not hold is not Nexus's to delete, nor the dependencies on it."""
    tasks, keys = stored(FLAT)
    second = attrs.evolve(tasks["master:2"], dependencies=())

    assert FLAT == render(FLAT, [second], keys)


def test_an_added_task_is_written_as_taskmaster_would():
    """Two spaces, Taskmaster's order of fields, behind the last task."""
    after = added(FLAT, fresh(99, "New", details="d", labels=("a",)))

    assert difference(FLAT, after) == (
        "",
        """,
    {
      "id": 3,
      "title": "New",
      "description": "",
      "details": "d",
      "testStrategy": "",
      "status": "pending",
      "dependencies": [],
      "priority": "medium",
      "subtasks": [],
      "tags": [
        "a"
      ]
    }""",
    )


def test_added_tasks_on_one_line():
    """A file with one task a line stays so."""
    content = b'[\n {"id": "1", "title": "A"},\n {"id": "2", "title": "B"}\n]'
    after = added(content, fresh(9, "C"))

    assert content[:-2] == after[: len(content) - 2]
    assert {"id": "3", "title": "C"}.items() <= json.loads(after)[2].items()
    assert after.count(b"\n") == content.count(b"\n") + 1


@pytest.mark.parametrize("parent", ["master:1", "master:2", "master:1.1"])
def test_an_added_subtask_joins_its_parent(parent):
    """Whether the parent has subtasks, an empty list of them, or none."""
    tasks, _ = stored(FLAT)
    after = added(FLAT, fresh(98, "Child", parent_id=tasks[parent].id), fresh(99, "Next", parent_id=98))
    names = [task.title for task in parse(after).tasks if task.parent_key == parent]

    assert "Child" == names[-1]
    assert ["Child"] == [task.title for task in parse(after).tasks if task.external_key in _parents(after, "Next")]


def _parents(content, title):
    return {task.parent_key for task in parse(content).tasks if task.title == title}


def test_new_keys_are_those_of_the_next_import():
    """Whoever stores them finds the tasks again."""
    tasks, keys = stored(FLAT)
    new = [fresh(98, "Task"), fresh(99, "Child", parent_id=98), fresh(97, "Sub", parent_id=1)]
    everything = [*tasks.values(), *new]
    after = {task.title: task.external_key for task in parse(render(FLAT, everything, keys)).tasks}

    expected = {task.id: after[task.title] for task in new}
    assert expected == new_keys(FLAT, everything, keys)


def test_a_key_that_was_given_is_used():
    """Tasks that had a number keep it, and others do not take it."""
    tasks, keys = stored(FLAT)
    everything = [*tasks.values(), fresh(98, "Later"), fresh(99, "Numbered", external_key="master:7")]

    assert {99: "master:7", 98: "master:8"} == new_keys(FLAT, everything, keys)


def test_a_new_number_is_free_everywhere():
    """A task whose own id is 1.1 is in the way of the first subtask of task 1."""
    content = b'[{"id": 1, "title": "A"}, {"id": "1.1", "title": "B"}]'
    tasks, keys = stored(content)

    assert {9: "master:1.2"} == new_keys(content, [*tasks.values(), fresh(9, "New", parent_id=1)], keys)
    again = fresh(9, "Same key", parent_id=1, external_key="master:1.1")
    assert {9: "master:1.2"} == new_keys(content, [*tasks.values(), again], keys)


def test_a_new_number_is_not_one_that_dependencies_name_already():
    """A dependency that leads nowhere, or to a task for want of a sibling, would mean the new task all at once."""
    subtasks = [{"id": 1, "title": "x", "dependencies": [2, "1.3"]}]
    content = json.dumps([
        {"id": 1, "title": "A", "subtasks": subtasks, "dependencies": [3, "04"]}, {"id": 2, "title": "B"},
    ]).encode()  # fmt: skip
    tasks, keys = stored(content)
    everyone = [*tasks.values(), fresh(98, "Task"), fresh(99, "Subtask", parent_id=1)]
    before, after = (
        {task.external_key: task.dependencies for task in parse(file).tasks}
        for file in (content, render(content, everyone, keys))
    )

    assert {98: "master:5", 99: "master:1.4"} == new_keys(content, everyone, keys)
    assert before.items() <= after.items()


@pytest.mark.parametrize("huge", [2**53 - 1, 12345678901234567890, int("9" * 250)])
def test_a_new_number_is_one_that_taskmaster_can_count_with(huge):
    """JavaScript loses digits of greater ones."""
    content = json.dumps([{"id": 4, "title": "A"}, {"id": huge, "title": "B"}]).encode()
    tasks, keys = stored(content)

    assert {9: "master:5"} == new_keys(content, [*tasks.values(), fresh(9, "New")], keys)


@pytest.mark.parametrize(
    ("owner", "target"),
    [("master:1", "master:1.2"), ("master:1.1", "master:1"), ("master:1.1", "master:2"), ("master:2", "master:1#2")],
)
def test_a_dependency_that_would_not_be_read_as_such_is_not_written(owner, target):
    """On the own parent or subtask, on a task that a sibling's number hides, on the second of two with one id."""
    content = json.dumps([
        {"id": 1, "title": "A", "subtasks": [{"id": 1, "title": "x"}, {"id": 2, "title": "y"}]},
        {"id": 2, "title": "B"}, {"id": 1, "title": "C"},
    ]).encode()  # fmt: skip
    tasks, _ = stored(content)

    assert content == changed(content, owner, dependencies=(tasks[target].id,))


def test_a_new_tag_is_spelled_as_the_file_spells():
    """Without escapes, where the file has none."""
    content = '{"é": {"tasks": [{"id": 1, "title": "ü"}]}}'.encode()

    assert '"ö": {"tasks": '.encode() in added(content, fresh(99, "New", external_key="ö:1"))


def test_a_new_tag():
    """A tagged file gets the tag; a flat one has no place for it, so the task joins the others and says its key."""
    task = fresh(99, "New", external_key="feature:4")
    tagged, flat = added(VARIANTS["tagged"], task), added(FLAT, task)

    assert ["master", "other", "feature"] == list(json.loads(tagged))
    assert ["feature:4"] * 2 == [parse(content).tasks[-1].external_key for content in (tagged, flat)]
    assert {"nexus": {"external_key": "feature:4"}} == json.loads(flat)["tasks"][-1]["metadata"]


def test_without_an_original_a_file_in_taskmasters_style():
    """Tagged, two spaces, no final newline."""
    tasks = [
        fresh(1, "One", status=Status.DONE),
        fresh(2, "Sub", parent_id=1, priority=Priority.HIGH),
        fresh(3, "Two", dependencies=(1, 2)),
    ]
    content = render(None, tasks, {})

    assert json.dumps(json.loads(content), indent=2, ensure_ascii=False).encode() == content
    assert {
        "created": "2026-01-31T12:00:00.000Z",
        "updated": "2026-01-31T12:00:00.000Z",
        "description": "Tasks for master context",
    } == json.loads(content)["master"]["metadata"]
    assert [("master:1", ()), ("master:1.1", ()), ("master:2", ("master:1", "master:1.1"))] == [
        (task.external_key, task.dependencies) for task in parse(content).tasks
    ]


def test_without_an_original_and_without_tasks():
    """An empty file can be imported again."""
    assert ((), "tagged") == (parse(render(None, [], {})).tasks, parse(render(None, [], {})).layout)


def test_without_an_original_nothing_of_the_tasks_is_lost():
    """What they came from is written again, in its order and with its words, dangling dependencies included."""
    tasks, keys = stored(FLAT)
    tasks["master:2"] = attrs.evolve(tasks["master:2"], title="Zwei", details="d")
    again = json.loads(render(None, list(tasks.values()), keys))["master"]["tasks"]
    expected = json.loads(FLAT)["tasks"]
    expected[1].update(title="Zwei", details="d")

    assert expected == again


def test_raw_data_that_is_no_json_is_not_written():
    """The task is, as if it were new."""
    task = fresh(1, "One", external_key="master:1", raw_data={"id": 1, "x": float("nan")})
    assert "One" == json.loads(render(None, [task], {}))["master"]["tasks"][0]["title"]


def test_an_original_that_cannot_be_read():
    """It is never overwritten with something else."""
    with pytest.raises(UnreadableFile):
        render(b"{", [], {})


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.text(), st.sampled_from(list(Status)), st.sampled_from(sorted(VARIANTS)))
def test_any_change_reads_back(title, details, status, variant):
    """Whatever is written is read again, and nothing else differs."""
    content = VARIANTS[variant]
    tasks, _ = stored(changed(content, "master:1.2", title=f"x{title}", details=details, status=status))
    before, _ = stored(content)
    clean = title.replace("\0", ""), details.replace("\0", "")

    expected = attrs.evolve(before["master:1.2"], title=f"x{clean[0]}", details=clean[1], status=status, raw_data={})
    assert {**before, "master:1.2": expected} == {
        **tasks, "master:1.2": attrs.evolve(tasks["master:1.2"], raw_data={}),
    }  # fmt: skip


FIELDS = ("id", "title", "status", "dependencies", "subtasks", "priority", "tags", "details", "testStrategy")
VALUES = st.none() | st.booleans() | st.integers(0, 4) | st.text(max_size=3) | st.sampled_from(["1.1", "done", 1.5])
ODD = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.lists(st.fixed_dictionaries({"id": VALUES, "title": st.text(max_size=3)}, optional={
    "subtasks": st.lists(st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4), max_size=3),
    "dependencies": st.lists(VALUES, max_size=3),
    "status": ODD, "tags": ODD, "priority": ODD, "details": ODD,
}), min_size=1, max_size=4)  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(OBJECTS, st.sampled_from([None, 2]))
def test_any_file_survives(data, indent):
    """However odd: unchanged it is the same to the byte; with every task changed and one added it can be read."""
    content = json.dumps({"master": {"tasks": data}}, indent=indent).encode()
    tasks, keys = stored(content)
    everyone = [
        attrs.evolve(task, status=Status.REVIEW, details="d", labels=("x",), dependencies=()) for task in tasks.values()
    ]
    after, _ = stored(render(content, [*everyone, fresh(99, "New", parent_id=1)], keys))

    assert content == render(content, list(tasks.values()), keys)
    assert {*tasks} | {"New"} == {key if task.title != "New" else "New" for key, task in after.items()}
    assert {(Status.REVIEW, "d", ("x",))} == {
        (task.status, task.details, task.labels) for task in after.values() if task.title != "New"
    }
