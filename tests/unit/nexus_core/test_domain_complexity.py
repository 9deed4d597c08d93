"""The built-in estimate: a sum that can be checked with a pencil."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.complexity import (
    BASE,
    DEMANDING,
    DEPENDENCIES,
    HARD_TEXT,
    HARD_TITLE,
    PHRASES,
    ROUTINE,
    ROUTINE_TITLE,
    SUBTASKS,
    WEIGHTS,
    Complexity,
    Factor,
    TaskFacts,
    estimate,
    half_up,
    measures,
)  # fmt: skip


def amounts(**facts):
    """How much of each factor a task has."""
    return {name: amount for name, (amount, _) in measures(TaskFacts(**{"title": "T", **facts})).items()}


def test_the_factors_add_up_to_the_score():
    """A reader can do the sum: each factor is its weight times what was seen."""
    found = estimate(TaskFacts(title="Set up a retry queue", details="With encryption.", dependencies=2, subtasks=7))
    by_name = {factor.name: factor for factor in found.factors}

    assert [BASE, HARD_TITLE, ROUTINE_TITLE, HARD_TEXT, DEPENDENCIES, SUBTASKS] == list(by_name)
    assert ("queue, retry", "setup", "3 in 7: encrypt, queue, retry") == (
        by_name[HARD_TITLE].because, by_name[ROUTINE_TITLE].because, by_name[HARD_TEXT].because,
    )  # fmt: skip
    assert [1, 2, 1, 1, 2, 2] == [round(by_name[name].value / WEIGHTS[name], 1) for name in by_name]
    assert half_up(sum(factor.value for factor in found.factors)) == found.score


def test_what_a_task_does_not_have_is_no_factor():
    """Not shown as zero, either."""
    assert [BASE, HARD_TEXT] == [factor.name for factor in estimate(TaskFacts(title="T")).factors]


def test_a_long_text_is_not_demanding_for_its_length():
    """The same demanding words among eight times as many words count as half as many."""
    seven, sixty_three = "queue retry lock a b c d", "queue retry lock " + "a " * 60
    few = "queue a b c d e f"

    assert amounts(title="", details=few)[HARD_TEXT] == amounts(title="", details=sixty_three)[HARD_TEXT] == 0
    assert amounts(title="", details=seven)[HARD_TEXT] == 1


@pytest.mark.parametrize(
    ("harder", "easier"),
    [
        ({"title": "Build a distributed rate-limit engine"}, {"title": "Rename a button"}),
        ({"title": "T", "details": "Encrypt the stream, recover from conflicts."}, {"title": "T", "details": "Copy."}),
        ({"title": "T", "dependencies": 3}, {"title": "T"}),
        ({"title": "T", "subtasks": 9}, {"title": "T", "subtasks": 3}),
        ({"title": "Fix a deadlock in the transaction queue"}, {"title": "Fix a typo in the README"}),
    ],
)
def test_what_is_harder_scores_higher(harder, easier):
    """By words in the title, by words in the text, by place."""
    assert estimate(TaskFacts(**harder)).score > estimate(TaskFacts(**easier)).score


def test_a_task_that_nobody_broke_down_is_neither_easy_nor_hard_for_that():
    """Only the number of parts of one that was broken down says something."""
    assert [0, 0, -2, -2, 5] == [amounts(subtasks=number)[SUBTASKS] for number in (0, 5, 1, 3, 40)]


@pytest.mark.parametrize(
    ("title", "seen"),
    [
        ("Handles queries", "query"),
        ("Retries", "retry"),
        ("Concurrency", "concurren"),
        ("End-to-end and real time", "endtoend, realtime"),
        ("The state of a statement", "state"),
        ("Maintain the aim", ""),
        ("QUEUES, queue; Queue!", "queue"),
    ],
)
def test_a_word_is_known_in_its_forms(title, seen):
    """Plurals, stems and phrases count once; a word that only begins alike does not."""
    assert seen == measures(TaskFacts(title=title))[HARD_TITLE][1]


def test_no_word_is_on_both_lists_or_on_one_twice():
    """It would count for and against, or twice."""
    words = (DEMANDING + ROUTINE).split()

    assert sorted(set(words)) == sorted(words)
    assert {word for _, word in PHRASES} <= {word.removesuffix("-") for word in words}


def test_half_goes_up_and_stays_in_bounds():
    """As a person rounds; Python's own rounding goes to the even number."""
    assert [1, 1, 3, 7, 10, 10] == [half_up(value) for value in (-9.0, 0.4, 2.5, 6.5, 9.99, 1e9)]


TEXT = st.text(max_size=200) | st.sampled_from(["queue " * 50, "setup fix add " * 9, DEMANDING, ROUTINE])


@given(TEXT, TEXT, st.integers(0, 1000), st.integers(0, 1000))
def test_every_task_has_a_score_whatever_it_says(title, details, dependencies, subtasks):
    """From 1 to 10, the same each time."""
    facts = TaskFacts(title=title, details=details, dependencies=dependencies, subtasks=subtasks)

    assert estimate(facts).score in range(1, 11)
    assert estimate(facts) == estimate(attrs.evolve(facts))


@pytest.mark.parametrize("score", [0, 11, 7.5, "7", None])
def test_an_estimator_cannot_give_what_is_no_score(score):
    """It learns of it where it makes the answer."""
    with pytest.raises((ValueError, TypeError)):
        Complexity(score=score, factors=(Factor("x", 1.0),))
