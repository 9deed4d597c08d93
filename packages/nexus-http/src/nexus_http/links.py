"""Links between operations: what an answer of one gives to another."""

from __future__ import annotations

from typing import Any

_ID = "$response.body#/id"

#: Operation -> (operation that follows, parameter -> where its value comes from).
_FOLLOWING: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "post_tasks": (
        ("get_tasks_task", {"task": _ID}),
        ("patch_tasks_task", {"task": _ID, "header.If-Match": "$response.header.ETag"}),
        ("patch_tasks_task_status", {"task": _ID}),
        ("get_tasks_task_readiness", {"task": _ID}),
        ("get_tasks_task_complexity", {"task": _ID}),
        ("put_tasks_task_dependencies_other", {"other": _ID}),
    ),
    "get_tasks_task": (
        ("patch_tasks_task", {"task": _ID, "header.If-Match": "$response.header.ETag"}),
    ),
    "post_repositories": (
        ("get_repositories_repository_id", {"repository_id": _ID}),
        ("patch_repositories_repository_id", {"repository_id": _ID}),
        ("post_repositories_repository_id_sync", {"repository_id": _ID}),
        ("get_repositories_repository_id_documents", {"repository_id": _ID}),
    ),
    "post_users": (("patch_users_user_id", {"user_id": _ID}),),
    "post_keys": (("delete_keys_key_id", {"key_id": _ID}),),
    "post_agents_assign": (
        ("get_assignments_assignment_id", {"assignment_id": _ID}),
        ("post_assignments_assignment_id_cancel", {"assignment_id": _ID}),
    ),
    "post_tasks_claim": (
        ("get_assignments_assignment_id", {"assignment_id": _ID}),
        ("get_assignments_assignment_id_activities", {"assignment_id": _ID}),
    ),
}  # fmt: skip


def links_of(operation_id: str) -> dict[str, Any]:
    """The links of an operation's good answer."""
    return {
        following: {"operationId": following, "parameters": given}
        for following, given in _FOLLOWING.get(operation_id, ())
    }
