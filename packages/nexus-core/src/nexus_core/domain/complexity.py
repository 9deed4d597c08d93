"""Complexity, 1 to 10, with the factors that it comes from.

The built-in estimate is a sum that a person can check with a pencil: words that speak of hard work, words that speak
of routine, and where the task stands. `bench/complexity.py` fits the weights on published scores and says how well
they do on repositories that they were not fitted on; docs/complexity.md has the figures.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

import attrs

from .tasks import Priority


@attrs.frozen(kw_only=True)
class TaskFacts:
    """What a task says and where it stands: all that an estimator gets.

    What is added later comes with a default, so that an estimator that does not know of it goes on working.
    """

    title: str
    description: str = ""
    details: str = ""
    test_strategy: str = ""
    priority: Priority = Priority.MEDIUM
    labels: tuple[str, ...] = ()
    dependencies: int = 0  #: how many tasks it depends on
    dependents: int = 0  #: how many depend on it
    subtasks: int = 0  #: how many parts it was broken into; 0 = it was not
    depth: int = 0  #: 0 for a task, 1 for a subtask, and so on
    #: The score of the nearest task above to which somebody gave one: a person, a report, the task file.
    parent_score: int | None = None

    @property
    def text(self) -> str:
        """All that it says."""
        return "\n".join((self.title, self.description, self.details, self.test_strategy))


@attrs.frozen
class Factor:
    """One thing that makes a task harder, or easier."""

    name: str
    value: float  #: what it adds to the score
    because: str = ""  #: what it was seen by, such as `queue, retry`


@attrs.frozen(kw_only=True)
class Complexity:
    """An estimate that can be explained."""

    score: int = attrs.field(validator=(attrs.validators.instance_of(int), attrs.validators.in_(range(1, 11))))
    factors: tuple[Factor, ...] = ()  #: their values add up to the score, before it is rounded
    reasoning: str = ""  #: in words, where the estimator has some


class Source(enum.StrEnum):
    """Who says how complex a task is; of several, the later one here wins."""

    ESTIMATE = "estimate"
    FILE = "file"  #: the task file says it
    REPORT = "report"  #: an imported complexity report says it
    PERSON = "person"


@attrs.frozen(kw_only=True)
class Score:
    """A complexity with where it comes from; a person's is `Task.complexity_manual` and has none of this."""

    value: int
    source: Source
    estimator: str | None = None  #: of an estimate
    factors: tuple[Factor, ...] = ()
    reasoning: str = ""


def half_up(value: float) -> int:
    """The nearest score; halves go up, and nothing is below 1 or above 10.

    >>> half_up(6.5), half_up(6.49), half_up(-3), half_up(99)
    (7, 6, 1, 10)
    """
    return max(1, min(10, int(max(value, 0.0) + 0.5)))


BASE = "base"
HARD_TITLE = "demanding words in the title"
ROUTINE_TITLE = "routine words in the title"
HARD_TEXT = "demanding words for the length of its text"
DEPENDENCIES = "dependencies"
SUBTASKS = "subtasks"
PART = "part of a task with this score"

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {BASE: 5.39, HARD_TITLE: 0.39, ROUTINE_TITLE: -0.76, HARD_TEXT: 1.11, DEPENDENCIES: 0.37, SUBTASKS: 0.57}
)
"""What one of each adds. bench/complexity.py fits and prints these."""

TITLE_WORDS, MOST_DEPENDENCIES = 4, 4
"""More than this count no further."""
USUAL_SUBTASKS, FEWEST, MOST = 5, -2, 5
"""Who breaks a task down makes five parts of a usual one. One that was not broken down says nothing by that."""

# A stem ends with “-”: `concurren-` stands for concurrent and concurrency. Others are whole words, in the singular.
DEMANDING = """
    realtime concurren- parallel- distribut- synchroni- conflict event stream- websocket session state stateful
    statemachine lifecycle retry retried recover- rollback resilien- faulttoleran- fallback graceful- fail-
    robust- lock locking queue transaction- cache caching offline schedul- race edgecase interrupt- resum- execut-
    track-

    algorithm optimi- detect- analy- recommend- predict- classif- semantic nlp
    machinelearning finetun- ml ai llm embedding vector intelligent graph knowledgegraph parser compil- query
    heuristic simulat- scor- ranking matching extract- transform- recursi- hierarch- large incremental-

    secur- encrypt- authenti- authoriz- oauth sso rbac permission accesscontrol isolat- sandbox- tenan- multitenan-
    privacy complian- payment billing blockchain ratelimit-

    system framework engine platform pipeline workflow infrastructure architect- orchestrat- endtoend advanced multi
    multiple cross migrat- refactor- scale scalab- scaling performan- integrat- extensib- plugin connector complex-
    dynamic- automat- collaborat- machine editor timeline canvas render- visuali- video audio hook cicd kubernetes
    helm versioncontrol
"""
"""What moves at once or breaks; what has to be clever; what has to be trusted; what is broad. A line break between."""

ROUTINE = """
    setup initiali- install- configur- config scaffold- boilerplate skeleton projectstructure directory environment
    docker- variable schema seed template

    document- docs readme guide guideline tutorial instruction changelog example troubleshoot- content text prompt

    updat- add adding fix fixes typo rename- remov- delet- cleanup upgrade- bump simpl- basic minimal placeholder stub
    static constant type interfaces enum field defin- register- wire wiring export- import- logging log flag utilit-
    helper lint- format formatting formatter check checking show healthcheck

    styl- theme button icon label link
"""
"""Setting up, writing up, small changes, looks."""

PHRASES = (
    ("real time", "realtime"), ("end to end", "endtoend"), ("e2e", "endtoend"), ("ci/cd", "cicd"),
    ("machine learning", "machinelearning"), ("deep learning", "machinelearning"), ("natural language", "nlp"),
    ("knowledge graph", "knowledgegraph"), ("fine tun", "finetun"), ("state machine", "statemachine"),
    ("fault toleran", "faulttoleran"), ("edge case", "edgecase"), ("rate limit", "ratelimit"),
    ("access control", "accesscontrol"), ("smart contract", "blockchain"), ("version control", "versioncontrol"),
    ("set up", "setup"), ("clean up", "cleanup"), ("health check", "healthcheck"),
    ("project structure", "projectstructure"),
)  # fmt: skip
"""What is written in two words and means one; hyphens count as spaces."""


class Vocabulary:
    """A list of words and stems, and which of them a text has."""

    def __init__(self, listed: str) -> None:
        entries = listed.split()
        self._words = frozenset(entry for entry in entries if not entry.endswith("-"))
        self._stems = frozenset(entry[:-1] for entry in entries if entry.endswith("-"))
        self._lengths = sorted({len(stem) for stem in self._stems})
        # Texts repeat their words: most are looked up once and then remembered.
        self._known = lru_cache(maxsize=20_000)(self._find)

    def _find(self, word: str) -> str | None:
        for form in (word, word.removesuffix("s"), re.sub("ies$", "y", word)):
            if form in self._words:
                return form
        return next((word[:end] for end in self._lengths if word[:end] in self._stems), None)

    def of(self, words: Iterable[str]) -> list[str]:
        """The entries that these words are forms of, each once, in the order of the alphabet."""
        return sorted({found for found in map(self._known, words) if found})


_WORD = re.compile(r"[a-z]+")
_DEMANDING, _ROUTINE = Vocabulary(DEMANDING), Vocabulary(ROUTINE)


def words_of(text: str) -> set[str]:
    """The words of a text, each once; phrases as one word.

    >>> sorted(words_of("Real-time sync, end to end"))
    ['endtoend', 'realtime', 'sync']
    """
    text = text.lower().replace("-", " ")
    for phrase, word in PHRASES:
        text = text.replace(phrase, word)
    return set(_WORD.findall(text))


def richness(demanding: int, words: int) -> float:
    """How rich in demanding words a text is: their doublings, less a third of those of its length.

    Any text has more of them when it is longer, and some people simply write more.

    >>> richness(1, 7), richness(3, 7), richness(3, 63)
    (0.0, 1.0, 0.0)
    """
    return math.log2(1 + demanding) - math.log2(1 + words) / 3


def measures(facts: TaskFacts) -> dict[str, tuple[float, str]]:
    """How much of each factor a task has, and what that is seen by. What the weights are fitted on.

    >>> measures(TaskFacts(title="Set up the build"))["routine words in the title"]
    (1, 'setup')
    """
    title = words_of(facts.title)
    hard, routine, all_hard = _DEMANDING.of(title), _ROUTINE.of(title), _DEMANDING.of(words_of(facts.text))
    length = len(facts.text.split())
    parts = max(FEWEST, min(MOST, facts.subtasks - USUAL_SUBTASKS)) if facts.subtasks else 0
    return {
        BASE: (1, ""),
        HARD_TITLE: (min(len(hard), TITLE_WORDS), ", ".join(hard)),
        ROUTINE_TITLE: (min(len(routine), TITLE_WORDS), ", ".join(routine)),
        HARD_TEXT: (richness(len(all_hard), length), f"{len(all_hard)} in {length}: {', '.join(all_hard)}"),
        DEPENDENCIES: (min(facts.dependencies, MOST_DEPENDENCIES), f"{facts.dependencies} tasks come before it"),
        SUBTASKS: (parts, f"{facts.subtasks} parts, where {USUAL_SUBTASKS} are usual"),
    }


def estimate(facts: TaskFacts) -> Complexity:
    """Estimate from what a task says and where it stands: a transparent formula, not a model.

    A part of a task that somebody scored has that score, as in Taskmaster: it says little by itself, and who may not
    work on the whole should not get it in parts.

    >>> found = estimate(TaskFacts(title="Fix a typo in the README"))
    >>> [factor.name for factor in found.factors]
    ['base', 'routine words in the title', 'demanding words for the length of its text']
    >>> found.factors[1].because
    'fix, readme, typo'
    """
    if facts.parent_score is not None:
        return Complexity(score=facts.parent_score, factors=(Factor(PART, float(facts.parent_score)),))
    factors = [
        Factor(name, round(WEIGHTS[name] * amount, 2), because)
        for name, (amount, because) in measures(facts).items()
        if amount
    ]
    return Complexity(score=half_up(round(sum(factor.value for factor in factors), 2)), factors=tuple(factors))
