"""The doctor of tasks: says what is wrong in a repository's tasks, and mends what can be mended without a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.checks.table import CHECKS
from ..domain.events import TasksMended
from ..domain.findings import Check, Diagnosis, Finding, Mend, Mended
from ..errors import Fault, Invalid, NexusError
from ..ports.queries import Page
from .checkup import FILE_WARNING, Checkup, check_up
from .mending import Mending, apply
from .work import UnitOfWork, Work, repository_of, require_seen

NO_REPOSITORY = "none"
"""Names the tasks that are in no repository."""
_SHOWN_CASES = 20
_SHOWN_OTHERS = 20
_LOOKED_AT = 20
"""So many repositories are looked at for one page."""
_LAST = 2**62  # where the tasks of no repository come among the ids of repositories


@attrs.frozen(kw_only=True)
class MendReport:
    """What was mended, or would be, and what remains."""

    repository: str | None
    path: str | None  #: of its task file, which an export writes anew
    dry_run: bool
    mended: tuple[Mended, ...]
    findings: tuple[Finding, ...]


class _RolledBack(NexusError):
    """Ends the transaction of a dry run."""

    def __init__(self, report: MendReport) -> None:
        self.report = report
        super().__init__()


class DoctorService:
    """What is wrong in tasks, and its mends."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def checks(self) -> tuple[Check, ...]:
        """Everything that is looked at: live tasks, then files of every format."""
        doctors = [one.doctor() for one in self._unit.plugins.formats.values() if one.doctor is not None]
        return (*CHECKS, *(check for doctor in doctors for check in doctor.checks), FILE_WARNING)

    def examine(
        self,
        repository: int | str | None = None,
        *,
        only: Iterable[str] = (),
        cases: int = _SHOWN_CASES,
        limit: int = 50,
        after: int = 0,
        actor: Actor = LOCAL,
    ) -> Page[Finding]:
        """What is wrong in a repository, in all that the actor sees, or in the tasks of `none`.

        A page ends behind the repository that brought it to its limit; `next_cursor` is what `after` is to be then.

        :raises Invalid: `only` names a check that there is not
        :raises NotFound: there is no such repository for the actor
        """
        wanted = self._codes(only)
        places = self._places(repository, actor)
        found: list[Finding] = []
        todo = sorted(place for place in places if place > after)
        for number, place in enumerate(todo, 1):
            with self._unit.read() as work:
                found += self._findings(work, _id_of(place), wanted, cases, actor)
            if (len(found) >= limit or number == _LOOKED_AT) and number < len(todo):
                return Page(items=tuple(found), next_cursor=str(place))
        return Page(items=tuple(found))

    def mend(
        self,
        repository: int | str,
        mends: Iterable[str] | None = None,
        *,
        dry_run: bool = False,
        cases: int = _SHOWN_CASES,
        actor: Actor = LOCAL,
    ) -> MendReport:
        """Mend what is named, as `code` or `code:mend`; without names, all that asks for no decision.

        All happens in one transaction, and every change is an event with the actor and the reason. Nothing is lost:
        tasks are moved, never removed, and what is taken out of a file stands in the event.

        :raises Invalid: a name is none, or leaves a choice open
        """
        wanted = self._mends(mends)
        [place] = self._places(repository, actor)
        repository_id = _id_of(place)

        def action(work: Work) -> MendReport:
            work.tasks.lock_graph()
            mended, checkup = self._mend(work, repository_id, wanted, cases, actor)
            name = _name(work, repository_id)
            findings = [_finding(checkup, one, repository_id, name, cases, actor) for one in checkup.diagnoses]
            report = MendReport(
                repository=name, path=checkup.path, dry_run=dry_run, mended=tuple(mended), findings=tuple(findings)
            )
            if dry_run:
                raise _RolledBack(report)
            return report

        try:
            return self._unit.write(action)
        except _RolledBack as done:
            return done.report

    def _mend(
        self, work: Work, repository_id: int | None, wanted: Iterable[tuple[Check, Mend]], cases: int, actor: Actor
    ) -> tuple[list[Mended], Checkup]:
        """Make the mends, each on tasks as the one before left them; what was done, and how it looks then."""
        mended: list[Mended] = []
        checkup = check_up(work, self._unit, repository_id)
        for check, mend in wanted:
            found = checkup.cases(check.code)
            if not found:
                continue
            reason = f"nexus task doctor: {check.message(len(found))}"
            mending = Mending(work=work, checkup=checkup, actor=actor, reason=reason, repository_id=repository_id)
            if changes := apply(mending, check, mend):
                work.record(
                    TasksMended, actor=actor, repository_id=repository_id, code=check.code, mend=mend.name,
                    reason=check.message(len(found)), changes=changes,
                )  # fmt: skip
                mended.append(Mended(check=check, mend=mend, count=len(changes), changes=tuple(changes[:cases])))
                checkup = check_up(work, self._unit, repository_id)
        return mended, checkup

    def _findings(
        self, work: Work, repository_id: int | None, wanted: Collection[str] | None, cases: int, actor: Actor
    ) -> list[Finding]:
        checkup = check_up(work, self._unit, repository_id)
        name = _name(work, repository_id)
        return [
            _finding(checkup, one, repository_id, name, cases, actor)
            for one in checkup.diagnoses
            if wanted is None or one.check.code in wanted
        ]

    def _places(self, repository: int | str | None, actor: Actor) -> list[int]:
        """The repositories that are meant, by id; what is in none comes last."""
        with self._unit.read() as work:
            if repository == NO_REPOSITORY:
                require_seen(actor, None, "such place: this key works in repositories only; name one")
                return [_LAST]
            if repository is not None:
                found = repository_of(work, repository, actor)
                assert found is not None  # noqa: S101 - only None gives None
                return [found]
            seen = [one.id for one in work.repositories.list() if actor.sees(one.id)]
        return [*seen, _LAST] if actor.sees(None) else seen

    def _codes(self, only: Iterable[str]) -> frozenset[str] | None:
        named = list(only)
        if not named:
            return None
        known = {check.code for check in self.checks()}
        faults = [Fault("?only", _unknown(code, known)) for code in named if code not in known]
        if faults:
            raise Invalid("there is no such check", faults=tuple(faults))
        return frozenset(named)

    def _mends(self, named: Iterable[str] | None) -> list[tuple[Check, Mend]]:
        known = {check.code: check for check in self.checks()}
        if named is None:
            return [(check, mend) for check in known.values() for mend in check.mends if mend.automatic]
        found: list[tuple[Check, Mend]] = []
        faults: list[Fault] = []
        for number, name in enumerate(named):
            code, _, choice = name.partition(":")
            check = known.get(code)
            mend = check.mend(choice or None) if check else None
            if check is not None and mend is not None:
                found.append((check, mend))
            else:
                said = _unknown(code, known) if check is None else _refused(check, choice)
                faults.append(Fault(f"/mend/{number}", said))
        if faults:
            raise Invalid("; ".join(fault.message for fault in faults), faults=tuple(faults))
        return found


def _unknown(code: str, known: Iterable[str]) -> str:
    return f"there is no check “{code[:60]}”; there are {', '.join(sorted(known))}"


def _refused(check: Check, choice: str) -> str:
    """Why there is no such mend, or none that needs no choice."""
    if not check.mends:
        return f"{check.code} is mended by a person. {check.advice}".strip()
    choices = " or ".join(f"{check.code}:{mend.name} ({mend.does})" for mend in check.mends)
    return f"{check.code} has no mend “{choice[:60]}”; choose {choices}" if choice else f"choose {choices}"


def _name(work: Work, repository_id: int | None) -> str | None:
    return None if repository_id is None else work.repositories.get(repository_id).name


def _id_of(place: int) -> int | None:
    return None if place == _LAST else place


def _finding(
    checkup: Checkup, found: Diagnosis, repository_id: int | None, name: str | None, cases: int, actor: Actor
) -> Finding:
    """A diagnosis as the actor may read it."""
    shown = tuple(attrs.evolve(case, others=case.others[:_SHOWN_OTHERS]) for case in found.cases[:cases])
    ids = {task_id for case in shown for task_id in (case.task, *case.others) if task_id is not None}
    everyone = checkup.chart.everyone
    return Finding(
        check=found.check,
        repository_id=repository_id,
        repository=name,
        path=checkup.path,
        count=len(found.cases),
        cases=shown,
        tasks={
            task_id: everyone[task_id]
            for task_id in sorted(ids)
            if task_id in everyone and actor.sees(everyone[task_id].repository_id)
        },
    )
