"""Project Nexus, the library: one hub for many repositories and many coding agents.

>>> import nexus_core
>>> nexus_core.parse_task_id("NX-12")
12

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "nexus": "Nexus",
    "config": "Config load_config parse_duration",
    "settings_table": "CORE_SETTINGS CoreSetting",
    "errors": (
        "NexusError Invalid ConfigurationError UnreadableFile NotFound Conflict Duplicate Cycle NotReady StaleClaim "
        "StaleWrite TransitionRefused NoAgent Busy Unauthenticated Forbidden Unavailable Contention SchemaTooNew "
        "PluginError Fault LoginPending SlowDown LoginExpired LoginDenied"
    ),
    "clock": "Clock SystemClock",
    "domain.tasks": "Task Status Priority task_key parse_task_id",
    "domain.repositories": "Repository",
    "domain.policy": "POLICY_FILE RepositoryPolicy",
    "domain.access": "Actor ActorKind Scope Role ApiKey User LOCAL system_actor plugin_actor",
    "domain.logins": "Identity LoginRequest LoginAnswer DeviceLogin Session",
    "domain.agents": "Agent AgentState Assignment AssignmentStatus Activity ActivityType",
    "domain.jobs": "Job JobState Done Retry Snooze Cancel Outcome LANES",
    "domain.deliveries": "Delivery DeliveryState VerifiedDelivery Reply",
    "domain.changes": (
        "Change ChangeRef ChangeOpened ChangeMerged ChangeClosed ChangeReviewed ChecksFinished CommitsPushed Commit "
        "TaskFileChanged RepositoryRenamed OwnerRenamed Fact"
    ),
    "domain.issues": "IssueOpened IssueTransferred",
    "domain.hosts": (
        "CommentAdded RepositoryStateChanged DefaultBranchChanged HostAccessChanged AuthorizationRevoked HostReport "
        "HostFinding Connection"
    ),
    "domain.events": (
        "Event TaskCreated TaskEdited TaskMoved TaskCompleted TaskReady TaskConflicted TaskDepended TaskUndepended "
        "TaskScored TasksImported ScoresImported TasksMended "
        "RepositoryAdded RepositoryEdited RepositorySynced AssignmentCreated AssignmentStarted AssignmentCompleted "
        "AssignmentFailed AssignmentReleased AssignmentCancelled AssignmentLost ActivityAdded InboxAnswered "
        "ChangeWasOpened ChangeWasMerged ChangeWasClosed ChangeWasReviewed ChangeWasChecked ChangeLinked "
        "IssueBecameTask IssueMoved CommandTaken CommandIgnored AuthorizationWithdrawn "
        "DocumentsChanged DocumentsPublished "
        "NotificationSent DeliveryRefused DeliveryReplayed AccessRefused KeyCreated KeyRevoked UserInvited UserEdited "
        "DeliverySpooled UserJoined UserRenamed UserDisabled UserEnabled UserLoggedIn UserLoggedOut LoginRefused "
        "DeliveryDuplicated AlertRaised AlertResolved JobDied JobRetried EVENT_TYPES"
    ),
    "domain.findings": "Case Check Diagnosis FileMend Finding Mend Mended Severity",
    "domain.chart": "FileFacts FileLink",
    "domain.references": "Reference find_references",
    "domain.readiness": "Readiness Condition Impact",
    "domain.graph": "Graph",
    "domain.picture": "Excerpt excerpt",
    "domain.complexity": "Complexity Factor TaskFacts Score Source",
    "domain.assignment": "Choice",
    "plugins.context": "Context",
    "plugins.hookspecs": "hookimpl",
    "plugins.lazily": "lazily",
    "plugins.records": (
        "EventHandler DeliverySource JobHandler AgentRunnerFactory StoreFactory WakeupFactory AssignmentPolicy "
        "ComplexityEstimator TaskFormat ScoreFormat Document DocumentRenderer Command Route Transport IdentityProvider "
        "HealthCheck NotChecked CodeHost GitCredentials Setting PluginSettings Schedule"
    ),
    "ports.agents": "AgentRunner RunRequest RunResult",
    "ports.wakeup": "Wakeup Ring",
    "ports.queries": "TaskQuery ReadyQuery Page",
    "ports.storage": "Store",
    "formats.mermaid": "to_mermaid",
    "formats.policy_file": "read_policy",
    "formats.model": "ParsedTask ParsedTasks ParsedScore ParsedScores FileDoctor FileExamination Warning_",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
