"""The shapes that the API answers, for the OpenAPI document: written as `name:type`, one line a thing.

A type is text, int, number, flag, time, object, any, another shape, a list of one (`[…]`), or one of several words
(`a|b`); a `?` behind it says that it may be null.
"""

from __future__ import annotations

import re
from typing import Any

from nexus_core.domain.access import ActorKind, Role
from nexus_core.domain.agents import ActivityType, AssignmentStatus
from nexus_core.domain.changes import ChangeState
from nexus_core.domain.complexity import Source
from nexus_core.domain.deliveries import DeliveryState
from nexus_core.domain.findings import Severity
from nexus_core.domain.jobs import JobState
from nexus_core.domain.tasks import Priority, Status

from .fields import TEXT


def _words(kind: Any) -> str:
    return "|".join(kind)


_TASK = (
    "id:int key:text repository:RepositoryRef? parent_id:int? title:text description:text details:text "
    f"test_strategy:text status:{_words(Status)} priority:{_words(Priority)} complexity:int? "
    "complexity_auto:int? complexity_manual:int? dependencies:[int] open_dependencies:int ready:flag "
    "labels:[text] agent:text? external_key:text? raw_data:object not_before:time? version:int created_at:time "
    "updated_at:time"
)
_REPOSITORY = (
    "id:int name:text url:text default_branch:text state:active|archived|deleted reachable:flag created_at:time"
)
_ASSIGNMENT = (
    f"id:int task:Task agent:text status:{_words(AssignmentStatus)} fence:int lease_until:time "
    "assigned_at:time ended_at:time? attempt:int branch:text? reason:text result:object last_activity:Activity?"
)
_KEY = (
    "id:int name:text scopes:[text] repositories:[int]? agent:text? user_id:int? created_at:time expires_at:time? "
    "last_used_at:time? revoked_at:time?"
)

SHAPES: dict[str, str] = {
    "RepositoryRef": "id:int name:text",
    "Task": _TASK,
    "WholeTask": f"{_TASK} changes:[Change]",
    "Change": (
        f"source:text number:int state:{_words(ChangeState)} title:text branch:text url:text author:text closes:flag "
        "reason:text"
    ),
    "Condition": "code:text message:text tasks:[int]",
    "Impact": "unblocks:[int] waiting:int at_least:flag longest_chain:int",
    "Readiness": "ready:flag why:[Condition] notes:[text] impact:Impact?",
    "Factor": "name:text value:number because:text",
    "Complexity": (
        f"task_id:int key:text score:int? source:{_words(Source)}? complexity_auto:int? complexity_manual:int? "
        f"auto_source:{_words(Source)}? estimator:text? factors:[Factor] reasoning:text"
    ),
    "Recommendation": "task:Task? reasons:[text]",
    "Node": (
        f"id:int key:text title:text status:{_words(Status)} priority:{_words(Priority)} repository:text? "
        "parent_id:int? not_before:time? ready:flag"
    ),
    "Edge": "task:int depends_on:int",
    "LeftOut": "open:int closed:int",
    "Graph": "nodes:[Node] edges:[Edge] critical_path:[int] left_out:LeftOut",
    "Warning": "place:text code:text message:text done:text",
    "ImportConflict": "task:int key:text external_key:text field:text base:any file:any nexus:any taken:file|nexus",
    "ImportReport": (
        "repository:text kind:tasks|scores format:text layout:text tag:text? dry_run:flag tasks:int dependencies:int "
        "created:int changed:int unchanged:int unscored:int unmatched:int warnings:[Warning] "
        "conflicts:[ImportConflict] cycles:[[text]]"
    ),
    "TaskRef": "id:int key:text external_key:text? title:text? status:text? repository:text?",
    "Case": "message:text task:TaskRef? external_key:text? others:[TaskRef] place:text? commands:[text]",
    "Mend": "by:nexus|person name:text? does:text automatic:flag command:text?",
    "Finding": (
        f"code:text severity:{_words(Severity)} repository:RepositoryRef? message:text meanwhile:text count:int "
        "cases:[Case] mends:[Mend]"
    ),
    "Mended": "code:text mend:text does:text count:int changes:[text]",
    "MendReport": "repository:text? path:text? dry_run:flag mended:[Mended] findings:[Finding]",
    "TaskFile": "",
    "Repository": _REPOSITORY,
    "LaneFigures": ("lane:text waiting:int running:int dead:int oldest:time? done_a_minute:int died_a_minute:int"),
    "AddedRepository": f"{_REPOSITORY} connection:Connection?",
    "Connection": (
        "host:text? reachable:flag reason:text? policy:none|in-force|refused policy_faults:[Fault] imported:int? "
        "import_error:text? findings:[HostFinding]"
    ),
    "HostFinding": "what:text mend:text url:text done:flag",
    "Activity": (
        f"id:int assignment_id:int type:{_words(ActivityType)} body:text choices:[text] answer:text? "
        "answered_by:text? created_at:time"
    ),
    "Assignment": _ASSIGNMENT,
    "Claim": f"{_ASSIGNMENT} key:text",
    "AgentState": (
        "name:text launched:flag state:busy|working|idle skills:[text] max_complexity:int? concurrency:int "
        "timeout_seconds:number lease_seconds:number assignments:[Assignment]"
    ),
    "User": (
        f"id:int username:text github_id:text? role:{_words(Role)} provider:text organisation:text? "
        "disabled_at:time? created_at:time"
    ),
    "DeviceLogin": "device_code:text user_code:text verification_uri:text expires_in:int interval:int",
    "Me": (
        f"kind:{_words(ActorKind)} name:text id:int? scopes:[text] repositories:[int]? agent:text? assignment_id:int? "
        "csrf_token:text?"
    ),
    "Key": _KEY,
    "NewKey": f"{_KEY} key:text",
    "ActorRef": f"kind:{_words(ActorKind)} name:text id:int? key_id:int?",
    "Event": (
        "id:int type:text actor:ActorRef task_id:int? repository_id:int? assignment_id:int? delivery:text? "
        "payload:object address:text? request_id:text? created_at:time"
    ),
    "Job": (
        f"id:int kind:text lane:text state:{_words(JobState)} attempt:int max_attempts:int priority:int subject:text? "
        "event_id:int? payload:object run_at:time locked_until:time? locked_by:text? last_error:text? "
        "created_at:time finished_at:time?"
    ),
    "Delivery": (
        f"id:int source:text delivery_id:text kind:text state:{_words(DeliveryState)} error:text? "
        "created_at:time handled_at:time?"
    ),
    "ChainFault": "kind:altered|missing|inserted|seal place:int event_id:int? message:text",
    "Verification": (
        "after:int after_hash:text place:int hash:text sealed:int next:int? fault:ChainFault? saw_head:flag "
        "unsealed:int? unsealed_since:time?"
    ),
    "Received": "id:int? duplicate:flag spooled:flag",
    "Document": "path:text content:text",
    "Paths": "paths:[text]",
    "Health": "status:text",
    "Plugin": "name:text distribution:text version:text records:object",
    "Check": "name:text ok:flag checked:flag message:text",
    "Fault": "pointer:text message:text",
    "Problem": "type:text title:text status:int detail:text code:text",
}

_BASE: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "object": {"type": "object"},
    "any": {},
}


def schema(shape: str) -> dict[str, Any]:
    """The JSON Schema of a shape.

    >>> schema("id:int parent_id:int?")["properties"]["parent_id"]
    {'type': ['integer', 'null']}
    """
    properties = {name: _type(kind) for name, _, kind in (field.partition(":") for field in shape.split())}
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def all_schemas() -> dict[str, dict[str, Any]]:
    """Every shape by its name; lists of each as `Page<Name>` where the API has such lists."""
    found = {name: schema(shape) for name, shape in SHAPES.items()}
    found["TaskPart"] = schema(_TASK) | {"required": [], "description": "A task, or those of its `fields` asked for."}
    found["Json"] = _anything()
    found["Problem"]["additionalProperties"] = True  # a problem brings the details of its code
    found["TaskFile"] = {"description": "A task file, in the format in which it was imported, or in the one asked for."}
    found["Problem"]["properties"] |= {
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": reference("Fault")},
    }
    return found


def _anything() -> dict[str, Any]:
    """Any JSON that a store can keep: without the character NUL."""
    again = {"$ref": "#/components/schemas/Json"}
    kinds: list[dict[str, Any]] = [{"type": kind} for kind in ("null", "boolean", "number")]
    return {
        "description": "Any JSON, without the character NUL in its texts.",
        "anyOf": [
            *kinds,
            {"type": "string", "pattern": TEXT},
            {"type": "array", "items": again},
            {"type": "object", "propertyNames": {"pattern": TEXT}, "additionalProperties": again},
        ],
    }


def reference(name: str) -> dict[str, Any]:
    """A reference to a shape, or to a list of it (`Page[…]`)."""
    if inner := re.fullmatch(r"Page\[(\w+)\]", name):
        return {
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": reference(inner[1])},
                "next_cursor": {"type": ["string", "null"]},
            },
            "required": ["items", "next_cursor"],
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _type(kind: str) -> dict[str, Any]:
    if kind.endswith("?"):
        inner = _type(kind[:-1])
        if isinstance(inner.get("type"), str) and "enum" not in inner:
            return inner | {"type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}
    if kind.startswith("["):
        return {"type": "array", "items": _type(kind[1:-1])}
    if "|" in kind:
        return {"type": "string", "enum": kind.split("|")}
    return dict(_BASE[kind]) if kind in _BASE else reference(kind)
