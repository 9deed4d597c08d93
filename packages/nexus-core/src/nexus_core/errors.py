"""The errors of Nexus: one tree, stable codes, messages that say what to do.

A shell maps the tree once: to RFC 9457 problems (nexus-http) and to exit codes (nexus-cli).
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong in an input: where (a JSON pointer, `file:line` or a key), and what."""

    pointer: str
    message: str


class NexusError(Exception):
    """Something went wrong."""

    code = "unexpected"
    is_on_record = False  #: it stands among the events already, so whoever answers does not record it once more

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = details
        super().__init__(self.message)


class Invalid(NexusError):
    """The input is not valid."""

    code = "invalid"

    def __init__(self, message: str | None = None, *, faults: tuple[Fault, ...] = (), **details: Any) -> None:
        self.faults = faults
        super().__init__(message, **details)


class ConfigurationError(Invalid):
    """The configuration is not valid."""

    code = "configuration"


class UnreadableFile(Invalid):
    """The file cannot be read as what it claims to be; nothing was changed."""

    code = "unreadable_file"


class TooMany(Invalid):
    """There is more of it than one answer holds. Ask for a part, or page by page."""

    code = "too_many"


class LoginPending(Invalid):
    """The login waits for the person, who has not confirmed it yet. Ask again after `details["interval"]` seconds."""

    code = "authorization_pending"


class SlowDown(LoginPending):
    """You ask too often. Ask again after `details["interval"]` seconds."""

    code = "slow_down"


class LoginDenied(Invalid):
    """The person refused the login."""

    code = "access_denied"


class NotFound(NexusError):
    """There is no such thing, or it is not yours to see."""

    code = "not_found"


class LoginExpired(NotFound):
    """The login was not confirmed in time, or was used already. Begin a new one."""

    code = "expired_token"


class Conflict(NexusError):
    """The request does not fit the present state."""

    code = "conflict"


class Duplicate(Conflict):
    """It exists already."""

    code = "duplicate"


class Cycle(Conflict):
    """The dependency would close a cycle. `details["path"]` names it."""

    code = "cycle"


class NotReady(Conflict):
    """The task is not ready. `details["blockers"]` says why."""

    code = "not_ready"


class StaleClaim(Conflict):
    """This claim is no longer the current one; the work was handed on. Stop, and claim anew."""

    code = "stale_claim"


class StaleWrite(Conflict):
    """It was changed by somebody else meanwhile. Read it again, then repeat the change."""

    code = "stale_write"


class TransitionRefused(Conflict):
    """The status cannot move there from where it is."""

    code = "transition_refused"


class NoAgent(Conflict):
    """No agent is free and fit for this task."""

    code = "no_agent"


class Busy(Conflict):
    """Another hub runs on this data folder."""

    code = "busy"


class InFlight(Conflict):
    """A request with this `Idempotency-Key` is being worked on. Send it again in a moment."""

    code = "in_flight"


class AnswerLost(Conflict):
    """The request with this `Idempotency-Key` took effect, but its answer is lost. Look at what it did."""

    code = "answer_lost"


class KeyReused(Invalid):
    """This `Idempotency-Key` came with another request before. Choose a new one for each request."""

    code = "idempotency_key_reused"


class Unauthenticated(NexusError):
    """Who you are could not be established."""

    code = "unauthenticated"


class Forbidden(NexusError):
    """You may not do this."""

    code = "forbidden"


class Unavailable(NexusError):
    """Something Nexus needs cannot be reached at the moment. Try again."""

    code = "unavailable"


class Contention(Unavailable):
    """Others are writing the same at this moment. Try again."""

    code = "contention"


class SchemaTooNew(NexusError):
    """The data was changed by a newer version of Nexus. Install that version or a later one."""

    code = "schema_too_new"


class PluginError(NexusError):
    """A plugin cannot be used."""

    code = "plugin"


def all_errors() -> tuple[type[NexusError], ...]:
    """Every class of the tree, the base first: what the documentation must cover."""
    found: list[type[NexusError]] = [NexusError]
    for error in found:
        found.extend(error.__subclasses__())
    return tuple(dict.fromkeys(found))
