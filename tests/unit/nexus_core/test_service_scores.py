"""Scores: an estimate follows its task; what somebody said is never overwritten; a slow estimator works in a job."""

import json

import attrs
import pytest

from nexus_core import Complexity, ComplexityEstimator, Factor, NotFound, TaskFacts, hookimpl
from nexus_core.domain.access import Actor, ActorKind
from nexus_core.errors import Invalid
from nexus_core.testing import drain, nexus_for_test

REPO = "acme/api"


def file(*tasks):
    return json.dumps({"tasks": list(tasks)}).encode()


def one(task_id, title="T", **fields):
    return {"id": task_id, "title": title, "status": "pending", "dependencies": [], "priority": "medium", **fields}


def report(task, score):
    return json.dumps({"complexityAnalysis": [{"taskId": task, "complexityScore": score}]}).encode()


class Model:
    """A plugin that estimates, and remembers what it was asked."""

    def __init__(self, score=8, *, background=False, fails=0):
        self.score, self.background, self.fails, self.asked = score, background, fails, []
        self.meanwhile = lambda: None

    def estimate(self, facts, ctx):
        self.asked.append(facts)
        if len(self.asked) == 1:
            self.meanwhile()
        if len(self.asked) <= self.fails:
            raise RuntimeError("no answer")
        return Complexity(score=self.score, factors=(Factor("model", float(self.score)),), reasoning="It says so.")

    @hookimpl
    def nexus_complexity_estimators(self):
        yield ComplexityEstimator(name="model", estimate=self.estimate, background=self.background)


def with_model(model, **more):
    """A hub that estimates by it."""
    return nexus_for_test(model, values={"complexity.estimator": "model"}, **more)


def auto(nexus, task_id):
    return nexus.tasks.get(task_id).complexity_auto


def named(nexus, task_id):
    """What is known of a task's score: source, estimator, names of factors."""
    found = nexus.scores.explain(task_id)
    return str(found.source), found.score.estimator, [factor.name for factor in found.score.factors]


# An estimate follows its task -----------------------------------------------------------------------------------------


def test_a_new_task_has_an_estimate_with_its_factors(nexus):
    """By the formula, and kept with the score."""
    task = nexus.tasks.create("Build a retry queue")
    found = nexus.scores.explain(task.id)

    assert ("estimate", "built-in") == (found.source, found.score.estimator)
    assert task.complexity_auto == found.score.value
    assert "queue, retry" == found.score.factors[1].because


def test_an_edit_of_the_text_changes_the_estimate(nexus):
    """And the edit alone counts a version."""
    task = nexus.tasks.create("Rename a button")
    edited = nexus.tasks.edit(task.id, {"title": "Build a distributed queue engine", "details": "Encrypt the stream."})

    assert edited.complexity_auto > task.complexity_auto
    assert 2 == edited.version
    assert edited.complexity_auto == nexus.scores.explain(task.id).score.value


def test_an_estimate_follows_where_the_task_stands(nexus):
    """What it depends on, and the parts that it was broken into; back again, too."""
    nexus.tasks.create("T")
    for _ in range(4):
        nexus.tasks.create("Before")
    before = auto(nexus, 1)
    for other in (2, 3, 4, 5):
        nexus.tasks.depend(1, other)
    waiting = auto(nexus, 1)
    for other in (2, 3, 4, 5):
        nexus.tasks.undepend(1, other)
    free = auto(nexus, 1)
    for _ in range(9):
        nexus.tasks.create("Part", parent_id=1)
    broken_down = auto(nexus, 1)
    nexus.tasks.edit(6, {"parent_id": None})

    assert before == free < waiting
    assert before < broken_down
    assert "8 parts, where 5 are usual" == nexus.scores.explain(1).score.factors[-1].because


def test_what_says_nothing_of_the_work_leaves_the_estimate_alone(nexus):
    """A person's score does not touch it either."""
    task = nexus.tasks.create("Build a retry queue")
    score = nexus.scores.explain(task.id).score
    nexus.tasks.edit(task.id, {"complexity_manual": 2})
    found = nexus.scores.explain(task.id)

    assert ("person", 2, task.complexity_auto) == (found.source, found.task.complexity, found.task.complexity_auto)
    assert score == found.score


def test_an_import_estimates_what_is_new_and_what_changed(nexus):
    """Texts, dependencies and parts, as the file has them."""
    nexus.tasks.import_file(file(one(1, "Rename a button"), one(2, "Other")), REPO)
    first = auto(nexus, 1), auto(nexus, 2)
    parts = [one(number, "Part") for number in range(1, 10)]
    nexus.tasks.import_file(
        file(one(1, "Build a distributed queue engine"), one(2, "Other", subtasks=parts), one(3, dependencies=[1, 2])),
        REPO,
    )

    assert (auto(nexus, 1) > first[0], auto(nexus, 2) > first[1]) == (True, True)
    assert auto(nexus, 2) == nexus.scores.explain(2).score.value
    assert "2 tasks come before it" in str(nexus.scores.explain(3 + 9).score.factors)


def test_a_subtask_has_an_estimate_of_its_own(nexus):
    """When nobody scored the whole: it is a part of the work."""
    part = one(1, "Write the README")
    nexus.tasks.import_file(file(one(1, "Build a distributed queue engine", subtasks=[part])), REPO)

    assert auto(nexus, 2) < auto(nexus, 1)


def test_a_part_of_what_somebody_scored_has_that_score(nexus):
    """Of the file, then a report, then a person, however the part came in; an own score of the part wins."""
    parts = [one(1, "Form"), one(2, "Flow", subtasks=[one(1, "Deep")]), one(3, "Easy", complexity=1)]
    nexus.tasks.import_file(file(one(1, "Login", complexity=8, subtasks=parts)), REPO)
    nexus.tasks.create("Added", parent_id=3)
    from_file = [auto(nexus, task_id) for task_id in range(1, 7)]
    nexus.tasks.import_file(report(1, 6), REPO)
    from_report = [auto(nexus, task_id) for task_id in range(1, 7)]
    nexus.tasks.edit(1, {"complexity_manual": 9})
    from_person = [auto(nexus, task_id) for task_id in range(1, 7)]
    nexus.tasks.import_file(
        file(one(1, "Login", complexity=8, subtasks=[*parts, one(4, "New")]), one(2, complexity=3)), REPO
    )

    assert ([8, 8, 8, 8, 1, 8], [6, 6, 6, 6, 1, 6], [6, 9, 9, 9, 1, 9]) == (from_file, from_report, from_person)
    assert (9, 3) == (auto(nexus, 7), auto(nexus, 8))
    assert ["part of a task with this score"] == named(nexus, 7)[2]


def test_parts_follow_the_score_that_the_file_has_for_the_whole(nexus):
    """Those that are there and those that come with it; and a part that leaves is on its own."""
    nexus.tasks.import_file(file(one(1, complexity=8, subtasks=[one(1, "Part")])), REPO)
    nexus.tasks.import_file(file(one(1, complexity=3, subtasks=[one(1, "Part"), one(2, "New")])), REPO)
    scores = [auto(nexus, task_id) for task_id in (1, 2, 3)]
    nexus.tasks.edit(2, {"parent_id": None})

    assert [3, 3, 3] == scores
    assert auto(nexus, 2) == nexus.tasks.create("Part").complexity_auto


def test_the_facts_say_where_a_task_stands():
    """The same whether the file tells them or the store."""
    model = Model()
    tasks = file(
        one(1, labels=["go"], subtasks=[one(1, "Part", subtasks=[])]), one(2, "Next", dependencies=[1], priority="high")
    )
    with with_model(model) as nexus:
        nexus.tasks.import_file(tasks, REPO)
        imported = {facts.title: facts for facts in model.asked}
        model.asked.clear()
        for task in nexus.tasks.list().items:
            nexus.tasks.edit(task.id, {"details": "x"})
        edited = {facts.title: facts for facts in model.asked}

    assert {title: attrs.evolve(facts, details="x") for title, facts in imported.items()} == edited
    assert (1, 1, 0, ("go",)) == tuple(getattr(imported["T"], n) for n in ("subtasks", "dependents", "depth", "labels"))
    assert (1, 0) == (imported["Part"].depth, imported["Part"].dependencies)
    assert (1, "high") == (imported["Next"].dependencies, imported["Next"].priority)


# What somebody said stays ---------------------------------------------------------------------------------------------


def test_a_score_in_the_task_file_stays_when_the_task_changes(nexus):
    """Until the file says another."""
    nexus.tasks.import_file(file(one(1, complexity=9)), REPO)
    nexus.tasks.edit(1, {"title": "Rename a button"})
    edited = nexus.scores.explain(1)
    nexus.tasks.import_file(file(one(1, "Fix a typo", complexity=9)), REPO)
    again = auto(nexus, 1)
    nexus.tasks.import_file(file(one(1, "Fix a typo", complexity=2)), REPO)

    assert ("file", 9, None, ()) == (edited.source, edited.score.value, edited.score.estimator, edited.score.factors)
    assert (9, 2, "file") == (again, auto(nexus, 1), nexus.scores.explain(1).source)


def test_a_score_that_the_file_begins_to_have_wins_over_an_estimate(nexus):
    """Even when it is the same number, so that it stays from then on."""
    nexus.tasks.import_file(file(one(1)), REPO)
    nexus.tasks.import_file(file(one(1, complexity=auto(nexus, 1))), REPO)
    before = auto(nexus, 1)
    nexus.tasks.edit(1, {"title": "Build a distributed queue engine"})

    assert ("file", before) == (nexus.scores.explain(1).source, auto(nexus, 1))


# Other estimators -----------------------------------------------------------------------------------------------------


def test_a_quick_estimator_is_asked_at_once():
    """Within the change, so that the answer of the change has its score."""
    with with_model(Model(3)) as nexus:
        assert 3 == nexus.tasks.create("Build a distributed queue engine").complexity_auto
        assert ("estimate", "model", ["model"]) == named(nexus, 1)
        assert "It says so." == nexus.scores.explain(1).score.reasoning


@pytest.mark.parametrize("model", [Model(fails=99), Model(score=11), Model(score=2.5), Model(score=None)])
def test_an_estimator_that_fails_does_not_keep_a_task_from_being_written(model):
    """The built-in estimate is taken, and says so."""
    with with_model(model) as nexus:
        nexus.tasks.create("Build a retry queue")

        assert ("estimate", "built-in") == named(nexus, 1)[:2]


def test_a_slow_estimator_is_asked_by_a_job():
    """Until then the built-in estimate stands; what it says is an event of the plugin's."""
    model = Model(8, background=True)
    with with_model(model) as nexus:
        nexus.tasks.create("Rename a button")
        first = (list(model.asked), *named(nexus, 1)[:2])
        nexus.jobs.drain()
        [event] = nexus.events.list(type="task.scored")

        assert ([], "estimate", "built-in") == first
        assert (8, "model") == (auto(nexus, 1), named(nexus, 1)[1])
        assert [TaskFacts(title="Rename a button")] == model.asked
        assert ("plugin", 1, 8, "estimate") == (
            event.actor_kind, event.task_id, event.payload["to"], event.payload["source"],
        )  # fmt: skip


def test_a_slow_estimator_is_asked_again_when_the_task_changes():
    """Its word stands until it has another; two changes in a row make one question."""
    model = Model(8, background=True)
    with with_model(model) as nexus:
        nexus.tasks.create("Rename a button")
        nexus.jobs.drain()
        model.score = 5
        nexus.tasks.edit(1, {"title": "Rename two buttons"})
        nexus.tasks.edit(1, {"title": "Rename three buttons"})
        between = auto(nexus, 1)
        nexus.jobs.drain()

        assert (8, 5) == (between, auto(nexus, 1))
        assert ["Rename a button", "Rename three buttons"] == [facts.title for facts in model.asked]


def test_an_answer_about_what_a_task_no_longer_says_is_not_kept():
    """Of a slow estimator that is asked again meanwhile, the answer that comes last may be the older one."""

    class Reader(Model):
        def estimate(self, facts, ctx):
            return attrs.evolve(super().estimate(facts, ctx), score=len(facts.title))

    model = Reader(background=True)
    with with_model(model) as nexus:
        nexus.tasks.create("Rename")

        def meanwhile():
            nexus.tasks.edit(1, {"title": "Build"})
            nexus.jobs.drain()  # another worker asks about that, and is answered first

        model.meanwhile = meanwhile
        nexus.jobs.drain()

        assert 5 == auto(nexus, 1)
        assert ["Rename", "Build"] == [facts.title for facts in model.asked][:2]


def test_a_slow_estimator_that_fails_is_asked_again(clock):
    """As any job."""
    model = Model(8, background=True, fails=1)
    with with_model(model, clock=clock) as nexus:
        nexus.tasks.create("Rename a button")
        nexus.jobs.drain()
        failed = named(nexus, 1)[1]
        clock.advance(hours=1)
        nexus.jobs.drain()

        assert ("built-in", "model") == (failed, named(nexus, 1)[1])


def test_a_slow_estimator_does_not_overwrite_what_was_published_meanwhile():
    """One report came before it was asked, another while it thought."""
    model = Model(8, background=True)
    with with_model(model) as nexus:
        nexus.tasks.import_file(file(one(1), one(2), one(3)), REPO)
        nexus.tasks.import_file(report(1, 2), REPO)
        model.meanwhile = lambda: nexus.tasks.import_file(report(2, 3), REPO)
        nexus.jobs.drain()

        assert [2, 3, 8] == [auto(nexus, task_id) for task_id in (1, 2, 3)]
        assert ["report", "report", "estimate"] == [named(nexus, task_id)[0] for task_id in (1, 2, 3)]
        assert 2 == len(model.asked)


def test_another_estimator_takes_over_with_the_next_import():
    """The same file is enough: what another has estimated is estimated anew."""
    model = Model(8)
    with nexus_for_test(model) as nexus:
        nexus.tasks.import_file(file(one(1), one(2, complexity=3)), REPO)
        by_formula = named(nexus, 1)[1]
        nexus.config.values["complexity.estimator"] = "model"
        report = nexus.tasks.import_file(file(one(1), one(2, complexity=3)), REPO)

        assert ("built-in", "model") == (by_formula, named(nexus, 1)[1])
        assert (8, 3, 2) == (auto(nexus, 1), auto(nexus, 2), report.unchanged)


def test_an_estimator_that_is_not_there_is_named():
    """With the setting that names it."""
    with (
        nexus_for_test(values={"complexity.estimator": "gone"}) as nexus,
        pytest.raises(Invalid, match=r"“gone”.*complexity\.estimator"),
    ):
        nexus.tasks.create("T")


# The explanation ------------------------------------------------------------------------------------------------------


def test_a_score_is_explained_to_those_who_may_see_the_task(nexus):
    """To others the task does not exist."""
    nexus.tasks.import_file(file(one(1)), REPO)
    outsider = Actor(kind=ActorKind.KEY, name="k", repositories=frozenset({99}))

    with pytest.raises(NotFound):
        nexus.scores.explain(1, actor=outsider)
    with pytest.raises(NotFound):
        nexus.scores.explain(2)


def test_a_task_of_an_older_hub_has_a_score_without_a_record(nexus):
    """It is shown as it is, and gets its factors with the next change or import."""
    from nexus_core.domain.tasks import NewTask

    with nexus.store.writing() as tx:
        tx.tasks.add(NewTask(title="Old", complexity_auto=9), nexus.clock.now())
    before = nexus.scores.explain(1)
    nexus.tasks.edit(1, {"details": "New."})

    assert (9, None, None) == (before.task.complexity, before.score, before.source)
    assert ("estimate", "built-in") == named(nexus, 1)[:2]


def test_drain_of_the_testing_kit_runs_the_question():
    """A plugin's author sees the score after it."""
    with with_model(Model(7, background=True)) as nexus:
        nexus.tasks.create("T")
        drain(nexus)

        assert 7 == auto(nexus, 1)
