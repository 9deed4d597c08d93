"""Health: what `nexus doctor` and `/readyz` say."""

from __future__ import annotations

from ..domain.health import Finding
from ..errors import NexusError
from ..plugins.records import NotChecked
from .intake import Intake
from .work import UnitOfWork


class HealthService:
    """Looks at the database, the schema and what plugins offer to look at."""

    def __init__(self, unit: UnitOfWork, intake: Intake) -> None:
        self._unit = unit
        self._intake = intake

    def ready(self) -> list[Finding]:
        """What must hold for requests to be served: the database answers, its schema is ours."""
        return [self._database(), self._schema()]

    def check(self) -> list[Finding]:
        """Everything, also what plugins offer to look at."""
        return [*self.ready(), self._spool(), *(self._plugin(name) for name in self._unit.plugins.health_checks)]

    def _database(self) -> Finding:
        try:
            with self._unit.read() as work:
                work.access.meta("health")
        except NexusError as error:
            return Finding(name="database", ok=False, message=error.message)
        return Finding(name="database", ok=True, message=f"{self._unit.store.name} answers")

    def _schema(self) -> Finding:
        try:
            missing = self._unit.store.pending_migrations()
        except NexusError as error:
            return Finding(name="schema", ok=False, message=error.message)
        if missing:
            return Finding(name="schema", ok=False, message=f"{len(missing)} migrations wait; run `nexus migrate`")
        return Finding(name="schema", ok=True, message="up to date")

    def _spool(self) -> Finding:
        """Webhooks that wait on the disk of the host that looks."""
        try:
            state = self._intake.state()
        except OSError as error:
            return Finding(name="spool", ok=False, message=f"the spool for webhooks cannot be read: {error}")
        said = []
        if state.number:
            said.append(
                f"{state.number} webhooks wait for the database, the first since {state.oldest:%Y-%m-%d %H:%M:%S} UTC"
            )
        if state.aside:
            said.append(
                f"{state.aside} files could not be stored and lie in spool/aside of the data folder; the log says why; "
                "move them back into spool to have them tried again"
            )
        return Finding(name="spool", ok=not said, message="; ".join(said) or "no webhook waits")

    def _plugin(self, name: str) -> Finding:
        record = self._unit.plugins.health_checks[name]
        try:
            wrong = record.check(self._unit.context(self._unit.plugins.owner(record)))
        except Exception as error:
            # A check that breaks is a finding, not a failure of the doctor.
            wrong = f"the check itself failed: {error}"
        if isinstance(wrong, NotChecked):
            return Finding(name=name, ok=True, checked=False, message=wrong.reason)
        return Finding(name=name, ok=wrong is None, message=wrong or record.summary or "fine")
