"""The checker of histories is itself checked: a good history passes, and each doctored one is caught by its rule."""

from __future__ import annotations

import attrs
import pytest

from history import OK, REFUSED, UNKNOWN, Call, Entry, Recorder, reconcile, violations

LEASE = 5.0
DEPENDS = {2: [1], 3: [1, 2]}
NEVER = float("inf")


def call(kind, task, fence, agent, begin, end, outcome=OK):
    return Call(kind, task, fence, agent, begin, end, outcome)


GOOD = {
    "ada claims": call("claim", 1, 1, "ada", 0.0, 1.0),
    "ada writes": call("write", 1, 1, "ada", 2.0, 3.0),
    "ada releases": call("release", 1, 1, "ada", 4.0, 5.0),
    "bob claims": call("claim", 1, 2, "bob", 4.5, 6.0),
    "bob completes": call("complete", 1, 2, "bob", 7.0, 8.0),
    "one is done": call("done", 1, 0, "lead", 8.0, 9.0),
    # Nobody saw to whom fence 1 of the next task went; eve did ask.
    "eve claims unseen": call("claim", 0, 0, "eve", 8.0, 10.0, UNKNOWN),
    "ada takes it over": call("claim", 2, 2, "ada", 14.0, 15.0),
    "ada tries to complete": call("complete", 2, 2, "ada", 16.0, 17.0, UNKNOWN),
    "ada completes": call("complete", 2, 2, "ada", 17.5, 18.0, REFUSED),
    "two is done": call("done", 2, 0, "lead", 19.0, 20.0),
    "bob claims the last": call("claim", 3, 1, "bob", 21.0, 22.0),
    "bob sleeps": call("write", 3, 1, "bob", 29.0, 30.0, REFUSED),
    "eve claims the last": call("claim", 3, 2, "eve", 30.0, 31.0),
    "eve fails": call("fail", 3, 2, "eve", 32.0, 33.0),
}
LEDGER = (
    Entry(1, 1, "ada", "cancelled"),
    Entry(1, 2, "bob", "completed"),
    Entry(2, 1, "eve", "lost"),
    Entry(2, 2, "ada", "completed"),
    Entry(3, 1, "bob", "lost"),
    Entry(3, 2, "eve", "failed"),
)


def doctored(change):
    """The good history with some calls changed; None takes one out, a whole call is put in."""
    calls = {**GOOD, **{name: one for name, one in change.items() if isinstance(one, Call)}}
    for name, fields in change.items():
        if fields is None:
            del calls[name]
        elif isinstance(fields, dict):
            calls[name] = attrs.evolve(calls[name], **fields)
    return [*calls.values()]


def breaches(change):
    return violations(doctored(change), lease=LEASE, depends=DEPENDS)


def test_a_good_history_passes():
    """Calls that overlap are no breach as long as some order of their effects is right; lost answers explain."""
    assert [] == breaches({})
    assert [] == reconcile(GOOD.values(), LEDGER)


ANSWERED = {
    "two holders of one fence": (
        {"bob claims": {"fence": 1}},
        "task 1: fence 1 was given to ada and to bob",
    ),
    "a fence that goes down": (
        {"bob claims": {"begin": -2.0, "end": -1.0}},
        "task 1: fence 2 was given before fence 1",
    ),
    "two holders at once": (
        {"bob claims": {"begin": 2.0, "end": 2.5}},
        "task 1 had two holders: ada (fence 1) and bob (fence 2)",
    ),
    "a write without a claim": (
        {"stray": call("write", 9, 1, "ada", 2.0, 3.0)},
        "task 9 was written without a claim",
    ),
    "a fence that nobody got": (
        {"bob completes": {"fence": 3}},
        "task 1: a complete with fence 3, which was never given",
    ),
    "a write of a former holder": (
        {"ada writes": {"begin": 6.5, "end": 6.6}},
        "task 1: a write with the stale fence 1 was accepted",
    ),
    "a write after the end": (
        {"ada writes": {"begin": 5.5, "end": 5.6}},
        "task 1: a write with fence 1 was accepted after its end",
    ),
    "ended twice": (
        {"again": call("fail", 1, 2, "bob", 7.5, 8.5)},
        "task 1: fence 2 was ended 2 times",
    ),
    "completed twice": (
        {"ada releases": {"kind": "complete"}},
        "task 1 was completed more than once, with the fences [1, 2]",
    ),
    "a sleeper who is let in": (
        {"bob sleeps": {"outcome": OK}},
        "task 3: a write with fence 1 was accepted after its lease had run out",
    ),
    "a holder in time who is refused": (
        {"bob sleeps": {"begin": 25.0, "end": 25.5}},
        "task 3: a write with fence 1 was refused while its lease ran",
    ),
    "taken from a holder in time": (
        {"ada releases": None},
        "task 1 was given to bob while the lease of ada ran",
    ),
    "given away too early": (
        {"two is done": {"begin": 22.5, "end": 23.0}},
        "task 3 was given away before task 2 was done",
    ),
    "given away for nothing": (
        {"one is done": None},
        "task 2 was given away before task 1 was done",
    ),
    "a fence that was given to nobody": (
        {"eve claims unseen": None},
        "task 2: fence 1 was given to nobody",
    ),
}

UNANSWERED = {
    "an end that came too late to make room": (
        {"ada releases": {"begin": 6.5, "end": 7.0, "outcome": UNKNOWN}},
        "task 1 was given to bob while the lease of ada ran",
    ),
    "an end that made room, and a write after it": (
        {"ada releases": {"outcome": UNKNOWN}, "ada writes": {"begin": 6.5, "end": 6.6}},
        "task 1: a write with the stale fence 1 was accepted",
    ),
    "a claim that came too late to take the skipped fence": (
        {"eve claims unseen": {"begin": 15.5}},
        "task 2: fence 1 was given to nobody",
    ),
    "one claim for two skipped fences": (
        {"bob claims the last": None, "bob sleeps": None},
        "task 3: fence 1 was given to nobody",
    ),
    "a completion that came too late to refuse the next one": (
        {"ada tries to complete": {"begin": 18.5, "end": 18.8}},
        "task 2: a complete with fence 2 was refused while its lease ran",
    ),
    "a renewal that came too late to let the sleeper in": (
        {"bob sleeps": {"outcome": OK}, "again": call("write", 3, 1, "bob", 30.0, 30.5, UNKNOWN)},
        "task 3: a write with fence 1 was accepted after its lease had run out",
    ),
    "a word that came too late to free what waits": (
        {"two is done": {"begin": 22.5, "end": NEVER, "outcome": UNKNOWN}},
        "task 3 was given away before task 2 was done",
    ),
    "a refused word": (
        {"two is done": {"outcome": REFUSED}},
        "task 3 was given away before task 2 was done",
    ),
}


@pytest.mark.parametrize(("change", "said"), ANSWERED.values(), ids=ANSWERED)
def test_a_doctored_history_is_caught(change, said):
    """Each rule can fail."""
    assert said in breaches(change)


@pytest.mark.parametrize(("change", "said"), UNANSWERED.values(), ids=UNANSWERED)
def test_a_breach_does_not_hide_behind_a_lost_answer(change, said):
    """What may have happened explains only what came after it was asked for."""
    assert said in breaches(change)


def test_a_lost_answer_is_held_against_nobody():
    """A write that may have failed proves no second holder, no stale write and no early end of a lease."""
    lost = {"ada writes": {"begin": 6.5, "end": 6.6, "outcome": UNKNOWN}, "ada releases": {"outcome": UNKNOWN}}
    renewed = {"bob sleeps": {"outcome": OK}, "early": call("write", 3, 1, "bob", 23.0, 24.0, UNKNOWN)}

    assert [] == breaches(lost)
    assert [] == breaches({**renewed, "eve claims the last": None, "eve fails": None})


def test_leases_of_different_lengths_are_not_judged():
    """Without a length the rules of leases rest; the others do not."""
    assert [] == violations(doctored({"bob sleeps": {"outcome": OK}, "eve claims the last": None, "eve fails": None}))


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (0, {"agent": "eve"}, "task 1: the grant of fence 1 to ada is lost"),
        (2, {"agent": "bob"}, "bob has 1 assignments that it never asked for"),
        (1, {"status": "assigned"}, "task 1: fence 2 is still assigned"),
        (1, {"status": "lost"}, "task 1: fence 2 ended as lost, and its holder says {'completed'}"),
        (3, {"status": "failed"}, "task 2: fence 2 ended as failed, and its holder says"),
        (4, {"status": "completed"}, "task 3: fence 1 ended as completed, and its holder says {'lost'}"),
        (5, {"fence": 4}, "task 3 has the fences [1, 4]"),
    ],
)
def test_a_doctored_ledger_is_caught(place, change, said):
    """What the hub kept is what its clients were told, and no more than what was asked of it."""
    ledger = [*LEDGER]
    ledger[place] = attrs.evolve(ledger[place], **change)

    assert any(one.startswith(said) for one in reconcile(GOOD.values(), ledger)), reconcile(GOOD.values(), ledger)


def test_the_recorder_tells_the_outcomes_apart():
    """Accepted, refused, and without an answer, which is raised as well."""
    recorder = Recorder(clock=iter(range(100)).__next__, lost=TimeoutError)

    def raising(error):
        def action():
            raise error

        return action

    assert (1, 7) == recorder.claim("ada", lambda: (1, 7), lambda found: found)
    assert recorder.claim("ada", lambda: None, lambda found: found) is None
    assert recorder.write("write", 1, 7, "ada", lambda: None, KeyError)
    assert not recorder.write("write", 1, 7, "ada", raising(KeyError()), KeyError)
    for action in (
        lambda: recorder.write("write", 1, 7, "ada", raising(TimeoutError()), KeyError),
        lambda: recorder.claim("ada", raising(TimeoutError()), lambda found: found),
    ):
        with pytest.raises(TimeoutError):
            action()
    assert [OK, OK, REFUSED, UNKNOWN, UNKNOWN] == [call.outcome for call in recorder.calls]
