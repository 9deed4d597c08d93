"""Importing complexity reports: published scores go to the tasks that are here, and nothing else changes."""

import json

import pytest

from nexus_core.domain.access import Actor, ActorKind
from nexus_core.errors import Conflict, Invalid, NotFound, UnreadableFile

REPO = "acme/api"
PATH = ".taskmaster/reports/task-complexity-report.json"
PLACEHOLDER = "Automatically added due to missing analysis in AI response."
FILE = {
    "master": {"tasks": [
        {"id": 1, "title": "Login", "subtasks": [{"id": 1, "title": "Form"}]}, {"id": 2, "title": "Logout"},
        {"id": 3, "title": "Profile"},
    ]},
    "feature/Login": {"tasks": [{"id": 1, "title": "Other"}]},
}  # fmt: skip


def report(*rows):
    return json.dumps({"meta": {}, "complexityAnalysis": list(rows)}, indent=1).encode()


def row(task, score, **more):
    return {"taskId": task, "complexityScore": score, **more}


@pytest.fixture
def content():
    return json.dumps(FILE, indent=2).encode()


@pytest.fixture
def hub(nexus, content):
    """A hub with three tasks of one tag and one of another."""
    nexus.tasks.import_file(content, REPO)
    return nexus


def scores(hub):
    """External key -> complexity_auto, without parts, which follow what they are a part of."""
    return {task.external_key: task.complexity_auto for task in hub.tasks.list().items if task.parent_id is None}


def codes(found):
    return [(warning.place.partition(",")[0], warning.code) for warning in found.warnings]


def test_scores_go_to_the_tasks_with_their_reasoning(hub):
    """Halves go up; who has no row keeps the estimate."""
    before = scores(hub)
    found = hub.tasks.import_file(report(row(1, 6.5, reasoning="OAuth"), row(2, 2)), REPO, path=PATH)
    explained = hub.scores.explain(1)

    assert {**before, "master:1": 7, "master:2": 2} == scores(hub)
    assert ("scores", "master", 2, 2, 0, 0) == (
        found.kind, found.tag, found.tasks, found.changed, found.unscored, found.unmatched,
    )  # fmt: skip
    assert ("report", "OAuth", ()) == (explained.source, explained.score.reasoning, explained.score.factors)


def test_the_same_report_again_changes_nothing(hub, types_of):
    """Not a version, and no task is told of twice."""
    content = report(row(1, 9), row(2, 2))
    hub.tasks.import_file(content, REPO)
    before, last = hub.tasks.list().items, hub.events.list(limit=200)[-1].id
    found = hub.tasks.import_file(content, REPO)

    assert (0, 2) == (found.changed, found.unchanged)
    assert before == hub.tasks.list().items
    assert ["scores.imported"] == types_of(last)


def test_each_score_that_differs_is_an_event(hub):
    """With what it was, and who says so."""
    estimated = scores(hub)["master:1"]
    hub.tasks.import_file(report(row(1, 9), row(2, scores(hub)["master:2"])), REPO)
    [event] = hub.events.list(type="task.scored")

    assert (1, {"from": estimated, "to": 9, "source": "report"}) == (event.task_id, event.payload)


def test_a_persons_score_stays(hub):
    """The report's stands behind it."""
    hub.tasks.edit(1, {"complexity_manual": 3})
    hub.tasks.import_file(report(row(1, 9)), REPO)
    task = hub.tasks.get(1)

    assert (3, 9, 3) == (task.complexity, task.complexity_auto, task.complexity_manual)
    assert "person" == hub.scores.explain(1).source


def test_a_reports_score_stays_when_the_task_changes(hub, content):
    """An edit, a dependency, parts, the file again, a copy of an older score in the file: it is the report's."""
    hub.tasks.import_file(report(row(1, 9)), REPO)
    hub.tasks.edit(1, {"title": "Rename a button"})
    hub.tasks.depend(1, 3)
    hub.tasks.create("Part", parent_id=1)
    hub.tasks.import_file(content, REPO)
    file = json.loads(content)
    file["master"]["tasks"][0] |= {"complexity": 4, "title": "Login again"}
    hub.tasks.import_file(json.dumps(file).encode(), REPO)

    assert (9, "report") == (hub.tasks.get(1).complexity_auto, hub.scores.explain(1).source)
    assert "Login again" == hub.tasks.get(1).title


def test_rows_without_a_task_and_filled_in_rows_are_named(hub):
    """With their places; the others are taken."""
    before = scores(hub)
    found = hub.tasks.import_file(
        report(row(9, 4, taskTitle="Gone"), row(2, 5, reasoning=PLACEHOLDER), row(3, 8), row(1, 99)), REPO
    )

    assert {**before, "master:3": 8} == scores(hub)
    assert (1, 1, 1) == (found.unmatched, found.unscored, found.changed)
    assert [("task 2", "unscored"), ("task 1", "odd_complexity"), ("task 9", "unmatched")] == codes(found)
    assert "there is no task 9 (“Gone”) here" == found.warnings[2].message


def test_a_row_for_another_title_is_taken_with_a_warning(hub):
    """A task may have been renamed, or the report may be of an older file: a person can tell."""
    found = hub.tasks.import_file(
        report(row(1, 9, taskTitle="LOGIN!"), row(2, 9, taskTitle="Payments with Stripe")), REPO
    )

    assert [("task 2", "other_title")] == codes(found)
    assert 9 == scores(hub)["master:2"]


@pytest.mark.parametrize(
    ("path", "tag", "scored"),
    [
        (PATH, None, "master:1"),
        (PATH, "feature/Login", "feature/Login:1"),
        (PATH.replace(".json", "_feature-login.json"), None, "feature/Login:1"),
        ("report_feature-login.json", "master", "master:1"),
    ],
)
def test_the_tag_is_given_or_in_the_file_name(hub, path, tag, scored):
    """What is given wins."""
    before = scores(hub)
    hub.tasks.import_file(report(row(1, 10)), REPO, path=path, tag=tag)

    assert {**before, scored: 10} == scores(hub)


@pytest.mark.parametrize(
    ("path", "tag", "problem"),
    [
        (PATH, "gone", "there is no tag “gone”; there are: feature/Login, master"),
        ("complexity-report_gone.json", None, "does not say which tag it is of; there are: feature/Login, master"),
    ],
)
def test_a_tag_that_is_not_here_is_refused_with_those_that_are(hub, path, tag, problem):
    """Nothing is guessed."""
    before = scores(hub)
    with pytest.raises(Invalid, match=problem):
        hub.tasks.import_file(report(row(1, 10)), REPO, path=path, tag=tag)

    assert before == scores(hub)


def test_a_broken_report_is_refused_whole(hub, types_of):
    """With file, line and reason."""
    before, last = scores(hub), hub.events.list(limit=200)[-1].id
    with pytest.raises(UnreadableFile, match=r"report\.json: line 8, column .* was the file cut off") as caught:
        hub.tasks.import_file(report(row(1, 10), row(2, 10))[:-50], REPO, path=PATH)

    assert 8 == caught.value.details["line"]
    assert (before, []) == (scores(hub), types_of(last))


def test_a_dry_run_reports_and_leaves_no_trace(hub, types_of):
    """The figures are those of the real run."""
    before, last = scores(hub), hub.events.list(limit=200)[-1].id
    found = hub.tasks.import_file(report(row(1, 10), row(8, 1)), REPO, dry_run=True)

    assert (True, 1, 1) == (found.dry_run, found.changed, found.unmatched)
    assert (before, []) == (scores(hub), types_of(last))
    assert "estimate" == hub.scores.explain(1).source


def test_the_task_file_comes_out_as_it_went_in(hub, content):
    """Byte for byte: scores are no part of it."""
    hub.tasks.import_file(report(row(1, 10), row(2, 1)), REPO)

    assert content == hub.tasks.export_file(REPO)


def test_a_report_needs_its_tasks(nexus):
    """A repository is not added for it."""
    with pytest.raises(NotFound, match="import its task file first"):
        nexus.tasks.import_file(report(row(1, 10)), REPO)
    nexus.repositories.add(REPO, "")
    with pytest.raises(Invalid, match="import the task file first"):
        nexus.tasks.import_file(report(row(1, 10)), REPO)


def test_a_repository_outside_the_key_does_not_exist(hub):
    """For reports as for files."""
    outsider = Actor(kind=ActorKind.KEY, name="k", repositories=frozenset({99}))
    with pytest.raises(NotFound):
        hub.tasks.import_file(report(row(1, 10)), REPO, actor=outsider)

    assert "estimate" == hub.scores.explain(1).source


def test_a_task_file_names_its_tags_itself(nexus, content):
    """So a tag that is given with one is a mistake."""
    with pytest.raises(Conflict, match="names its tags itself"):
        nexus.tasks.import_file(content, REPO, tag="master")
