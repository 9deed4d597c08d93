"""A repository on GitHub, connected with the hub: access, policy, task file, webhook; what is wanting, and its mend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from nexus_core.domain.hosts import HostFinding, HostReport
from nexus_core.domain.policy import POLICY_FILE
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Forbidden, Invalid, NotFound, Unavailable
from nexus_core.plugins.context import Context

from .calling import client_for, elsewhere
from .catchup import our_hooks
from .client import GitHubClient
from .connecting import installation
from .reading import table, text, whole
from .settings import SECRET_VARIABLE, Settings
from .translate import TASK_FILES

Row = Mapping[str, Any]

EVENTS: Final = (
    "check_run", "check_suite", "issue_comment", "issues", "pull_request", "pull_request_review",
    "pull_request_review_comment", "push", "repository", "workflow_run",
)  # fmt: skip
"""What a webhook has to tell."""

PERMISSIONS: Final = {
    "actions": "read", "checks": "write", "contents": "write", "issues": "write", "metadata": "read",
    "pull_requests": "write",
}  # fmt: skip
"""What an App has to be allowed, and how far."""

_LEVELS: Final = {"read": 1, "write": 2, "admin": 3}
_SETTING: Final = {"read": "Read-only", "write": "Read and write"}


def owns(repository: Repository, ctx: Context) -> bool:
    """Whether the repository is on the GitHub of the settings."""
    return elsewhere(repository, ctx.settings(Settings)) is None


def look(repository: Repository, set_up: bool, ctx: Context) -> HostReport:
    """Look at a repository; with `set_up`, first make its webhook what it has to be.

    :raises NotFound: GitHub shows us no such repository
    :raises Forbidden: GitHub refuses us
    :raises Unavailable: there is no access to GitHub, or it does not answer
    """
    settings = ctx.settings(Settings)
    if settings.missing_access:
        raise Unavailable(settings.missing_access, unconfigured=True)
    with client_for(ctx, repository.name) as client:
        shown = _shown(client, repository.name, settings)
        name, branch = text(shown.get("full_name")) or repository.name, text(shown.get("default_branch")) or "main"
        findings = [*_allowed(shown, settings), *_Webhook(client, shown, name, set_up, ctx).findings()]
        return HostReport(
            name=name,
            default_branch=branch,
            external_id=str(whole(shown.get("id")) or "") or None,
            state="archived" if shown.get("archived") is True else "active",
            policy=client.file(name, POLICY_FILE, branch),
            task_file=task_file(client, name, branch),
            findings=tuple(findings),
        )


def _shown(client: GitHubClient, name: str, settings: Settings) -> Row:
    try:
        return table(client.request("GET", f"repos/{name}").document)
    except NotFound:
        give = (
            "choose it where the App is installed (Settings → Applications → Configure → Repository access)"
            if settings.is_app
            else "give the token access to it (fine-grained: Repository access; classic: the scope repo)"
        )
        raise NotFound(f"GitHub shows us no repository {name}: check the name; if it is right, {give}") from None


def task_file(client: GitHubClient, name: str, branch: str) -> tuple[str, bytes] | None:
    """The path and content of the task file of a branch or commit; None when there is none."""
    for path in TASK_FILES:
        if (content := client.file(name, path, branch)) is not None:
            return path, content
    return None


# What we may ---------------------------------------------------------------------------------------------------------


def _allowed(shown: Row, settings: Settings) -> Iterator[HostFinding]:
    page = text(shown.get("html_url"))
    if shown.get("archived") is True:
        yield HostFinding(
            what="it is archived, so that nothing can be written to it",
            mend="Settings → General → Danger Zone → Unarchive this repository",
            url=f"{page}/settings",
        )
    if settings.is_app:
        yield from _installed(text(shown.get("full_name")), settings)
    elif table(shown, "permissions").get("push") is False:
        yield HostFinding(
            what="the token may read, but not write",
            mend="Contents, Issues, Pull requests, Commit statuses: Read and write (classic: the scope repo); and the "
            "account needs the role Write in the repository",
            url=f"{settings.oauth_url}/settings/tokens",
        )


def _installed(name: str, settings: Settings) -> Iterator[HostFinding]:
    row = installation(settings, name.partition("/")[0])
    granted = table(row, "permissions")
    page = f"{settings.oauth_url}/settings/apps/{text(row.get('app_slug'))}/permissions"
    for permission, level in PERMISSIONS.items():
        if _LEVELS.get(text(granted.get(permission)), 0) < _LEVELS[level]:
            title = permission.replace("_", " ").capitalize()
            yield HostFinding(
                what=f"the App lacks the permission “{title}”",
                mend=f"Permissions & events → Repository permissions → {title}: {_SETTING[level]}; then the owner of "
                "the installation has to accept it",
                url=page,
            )
    if missing := _missing(row.get("events")):
        yield HostFinding(
            what=f"the App does not hear of {', '.join(missing)}",
            mend=f"Permissions & events → Subscribe to events → {', '.join(missing)}",
            url=page,
        )


def _missing(events: object) -> list[str]:
    known = set(map(text, events)) if isinstance(events, list) else set()
    return [] if "*" in known else [event for event in EVENTS if event not in known]


# The webhook ---------------------------------------------------------------------------------------------------------


class _Webhook:
    """The way by which GitHub tells the hub what happened: of the repository, or of the App."""

    def __init__(self, client: GitHubClient, shown: Row, name: str, set_up: bool, ctx: Context) -> None:
        self._client = client
        self._name = name
        self._page = f"{text(shown.get('html_url'))}/settings/hooks"
        self._ctx = ctx
        self._settings = ctx.settings(Settings)
        self._address = f"{ctx.nexus.config.public_url}/api/v1/webhooks/github"
        self._secret = (self._settings.webhook_secret or "").split(",")[0].strip()
        self._may_set = set_up and bool(self._secret)

    def findings(self) -> Iterable[HostFinding]:
        """What is wanting, or was until now."""
        if not self._secret:
            yield HostFinding(
                what="the hub has no secret for webhooks, so it refuses them all",
                mend=f"set {SECRET_VARIABLE} where the hub runs (`openssl rand -hex 32` makes one), and start it again",
            )
        try:
            yield from self._of_app() if self._settings.is_app else self._of_repository()
        except (NotFound, Forbidden):
            yield HostFinding(
                what="webhooks cannot be seen with our access",
                mend="Webhooks: Read and write (classic: the scope admin:repo_hook); or by hand, once: "
                + self._by_hand(),
                url=f"{self._page}/new",
            )

    def _by_hand(self) -> str:
        return (
            f"Payload URL {self._address}, Content type application/json, Secret that of {SECRET_VARIABLE}, events "
            + ", ".join(EVENTS)
        )

    def _config(self) -> dict[str, str]:
        return {"url": self._address, "content_type": "json", "secret": self._secret, "insecure_ssl": "0"}

    def _of_app(self) -> Iterator[HostFinding]:
        with client_for(self._ctx) as client:
            found = table(client.request("GET", "app/hook/config").document)
            faults = _faults_of(found, self._address)
            if faults and self._may_set:
                client.request("PATCH", "app/hook/config", json=self._config())
        if faults:
            yield HostFinding(
                what=f"the App's webhook {' and '.join(faults)}",
                mend=f"General → Webhook: Active, Webhook URL {self._address}, Secret that of {SECRET_VARIABLE}",
                url=f"{self._settings.oauth_url}/settings/apps",
                done=self._may_set,
            )

    def _of_repository(self) -> Iterator[HostFinding]:
        hooks = our_hooks(self._client, self._name)
        ours = next((hook for hook in hooks if text(table(hook, "config").get("url")) == self._address), None)
        if ours is None:
            if self._may_set:
                self._make()
            what = "there is no webhook to this hub" if not hooks else "its webhook goes to another address"
            yield HostFinding(what=what, mend=self._by_hand(), url=f"{self._page}/new", done=self._may_set)
            return
        faults = _faults_of(table(ours, "config"), self._address)
        if ours.get("active") is False:
            faults.append("is switched off")
        if missing := _missing(ours.get("events")):
            faults.append(f"does not tell of {', '.join(missing)}")
        number = whole(ours.get("id"))
        if faults and self._may_set:
            self._mend(ours, number)
        if faults:
            yield HostFinding(
                what=f"its webhook {' and '.join(faults)}",
                mend=self._by_hand(),
                url=f"{self._page}/{number}",
                done=self._may_set,
            )
        if (code := whole(table(ours, "last_response").get("code")) or 0) >= 400:
            yield HostFinding(
                what=f"the last webhook was answered with {code}",
                mend=f"Secret: that of {SECRET_VARIABLE}" if code == 401 else "see Recent Deliveries on the page",
                url=f"{self._page}/{number}",
            )

    def _make(self) -> None:
        """Make the webhook, once: GitHub refuses a second one to the same address."""
        body = {"name": "web", "active": True, "events": list(EVENTS), "config": self._config()}
        try:
            self._client.request("POST", f"repos/{self._name}/hooks", json=body)
        except Invalid as error:
            if "already exists" not in (error.message + text(error.details.get("said"))).lower():
                raise

    def _mend(self, hook: Row, number: int | None) -> None:
        known = hook.get("events")
        events = sorted({*(map(text, known) if isinstance(known, list) else ()), *EVENTS})
        body = {"active": True, "config": self._config(), "events": ["*"] if "*" in events else events}
        self._client.request("PATCH", f"repos/{self._name}/hooks/{number}", json=body)


def _faults_of(config: Row, address: str) -> list[str]:
    faults = []
    if text(config.get("url")) != address:
        faults.append("goes to another address")
    if text(config.get("content_type")) not in ("json", "form"):
        faults.append("has no content type that Nexus reads")
    if str(config.get("insecure_ssl", "0")) != "0":
        faults.append("does not check certificates")
    return faults
