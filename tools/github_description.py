"""Cut GitHub's description of its REST API down to what Nexus calls: `python tools/github_description.py FILE`.

FILE is github/rest-api-description (MIT), or a part of it. What a request must be stays, and which statuses an answer
may have; texts, examples and what answers hold go. Tests hold every call to what is written here.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "tests" / "github_rest.json"
REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/app": "get",
    "/app/installations": "get",
    "/app/installations/{installation_id}/access_tokens": "post",
    "/app/hook/config": "get patch",
    "/app/hook/deliveries": "get",
    "/app/hook/deliveries/{delivery_id}/attempts": "post",
    "/rate_limit": "get",
    "/user": "get",
    REPOSITORY: "get",
    f"{REPOSITORY}/check-runs": "post",
    f"{REPOSITORY}/check-runs/{{check_run_id}}": "patch",
    f"{REPOSITORY}/check-runs/{{check_run_id}}/annotations": "get",
    f"{REPOSITORY}/commits/{{ref}}/check-runs": "get",
    f"{REPOSITORY}/commits/{{ref}}/statuses": "get",
    f"{REPOSITORY}/contents/{{path}}": "get",
    f"{REPOSITORY}/git/blobs/{{file_sha}}": "get",
    f"{REPOSITORY}/git/commits": "post",
    f"{REPOSITORY}/git/commits/{{commit_sha}}": "get",
    f"{REPOSITORY}/git/ref/{{ref}}": "get",
    f"{REPOSITORY}/git/refs": "post",
    f"{REPOSITORY}/git/refs/{{ref}}": "patch",
    f"{REPOSITORY}/git/trees": "post",
    f"{REPOSITORY}/hooks": "get post",
    f"{REPOSITORY}/hooks/{{hook_id}}": "get patch",
    f"{REPOSITORY}/hooks/{{hook_id}}/deliveries": "get",
    f"{REPOSITORY}/hooks/{{hook_id}}/deliveries/{{delivery_id}}/attempts": "post",
    f"{REPOSITORY}/issues": "get post",
    f"{REPOSITORY}/issues/{{issue_number}}": "get patch",
    f"{REPOSITORY}/issues/{{issue_number}}/comments": "get post",
    f"{REPOSITORY}/issues/{{issue_number}}/labels": "get post",
    f"{REPOSITORY}/issues/{{issue_number}}/labels/{{name}}": "delete",
    f"{REPOSITORY}/pulls": "get post",
    f"{REPOSITORY}/pulls/{{pull_number}}": "get",
    f"{REPOSITORY}/pulls/{{pull_number}}/reviews": "get",
    f"{REPOSITORY}/pulls/{{pull_number}}/reviews/{{review_id}}/comments": "get",
    f"{REPOSITORY}/statuses/{{sha}}": "post",
}
_TEXTS = frozenset({"examples", "example", "externalDocs", "x-github", "x-octokit", "tags", "summary", "operationId"})


def bare(part: Any) -> Any:
    """A part without texts and examples."""
    if isinstance(part, list):
        return [bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: bare(value)
        for key, value in part.items()
        if key not in _TEXTS and not (key == "description" and isinstance(value, str))
    }


def operation(described: dict[str, Any]) -> dict[str, Any]:
    """What a request of an operation must be, and the statuses that it may be answered with."""
    statuses = {status: {"description": ""} for status in described["responses"]}
    request: dict[str, Any] = bare({key: value for key, value in described.items() if key != "responses"})
    return request | {"responses": statuses}


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of `OPERATIONS` alone, with all that it refers to."""
    info = {key: whole["info"][key] for key in ("title", "version", "license")}
    paths = {
        path: {method: operation(whole["paths"][path][method]) for method in methods.split()}
        for path, methods in OPERATIONS.items()
    }
    components: dict[str, dict[str, Any]] = {}
    waiting = [json.dumps(paths)]
    while waiting:
        for kind, name in re.findall(r'"#/components/([^/"]+)/([^"]+)"', waiting.pop()):
            if name not in components.setdefault(kind, {}):
                components[kind][name] = bare(whole["components"][kind][name])
                waiting.append(json.dumps(components[kind][name]))
    kept = {"openapi": whole["openapi"], "info": info, "servers": whole["servers"]}
    return kept | {"paths": paths, "components": components}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(cut(json.loads(Path(sys.argv[1]).read_text("utf-8"))), indent=1) + "\n", "utf-8")
