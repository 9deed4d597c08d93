"""Facts in, events out: what is done when a webhook came in, work was finished or documents changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from nexus_core.domain.changes import ChangeOpened, Fact, TaskFileChanged
from nexus_core.domain.deliveries import Delivery, VerifiedDelivery
from nexus_core.domain.events import AssignmentCompleted, DocumentsChanged
from nexus_core.domain.jobs import Done, Outcome, Retry
from nexus_core.domain.repositories import Repository
from nexus_core.errors import Forbidden, Invalid, NexusError, NotFound, Unavailable
from nexus_core.plugins.context import Context
from nexus_core.plugins.records import NotChecked

from . import sansio, translate
from .calling import client_for, not_done, patiently, unreachable
from .reading import payload_of, text, whole
from .settings import Settings

if TYPE_CHECKING:
    from .client import GitHubClient, PullText


def verify(body: bytes, headers: Mapping[str, str], ctx: Context) -> VerifiedDelivery:
    """Check a webhook's signature; see `sansio.verify`."""
    return sansio.verify(body, headers, ctx.settings(Settings).webhook_secrets)


def read(delivery: Delivery, ctx: Context) -> Iterable[Fact]:
    """The facts in a stored webhook; a task file that changed is fetched, when there is a token for it."""
    try:
        payload = payload_of(delivery.body, delivery.headers.get("content-type", ""))
    except Invalid:
        return ()
    found = translate.facts(delivery.kind.partition(".")[0], payload, (ctx.settings(Settings).app_id or "").strip())
    return tuple(_with_content(fact, ctx) if isinstance(fact, TaskFileChanged) else fact for fact in found)


def _with_content(fact: TaskFileChanged, ctx: Context) -> TaskFileChanged:
    settings = ctx.settings(Settings)
    if settings.missing_access or not fact.commit:
        return fact
    try:
        with client_for(ctx, fact.repository) as client:
            # As it is now: a push that is told late must not bring back what the file said then.
            at = fact.branch or fact.commit
            if fact.path:
                return attrs.evolve(fact, content=client.file(fact.repository, fact.path, at))
            from .hosting import task_file  # most pushes say which file it is

            path, content = task_file(client, fact.repository, at) or ("", None)
            return attrs.evolve(fact, path=path, content=content)
    except Unavailable:
        raise  # the job is tried again
    except NexusError as error:
        ctx.log.warning("%s of %s cannot be fetched: %s", fact.path, fact.repository, error.message)
        return fact


@patiently
def open_pull_request(event: AssignmentCompleted, ctx: Context) -> Outcome:
    """Open the pull request for finished work, unless it is open already, and tell the core of it."""
    branch, commits = text(event.payload.get("branch")), event.payload.get("commits") or 0
    if not branch or commits < 1 or event.repository_id is None or event.task_id is None:
        return Done("there is no branch with commits to propose")
    settings = ctx.settings(Settings)
    repository = ctx.nexus.repositories.get(event.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, settings):
        return not_done(ctx, f"no pull request for {branch} in {repository.name}: {reason}")
    with client_for(ctx, repository.name) as client:
        return _propose(client, event, repository, branch, ctx)


def _propose(
    client: GitHubClient, event: AssignmentCompleted, repository: Repository, branch: str, ctx: Context
) -> Outcome:
    remote = client.repository(repository.name)
    if branch == remote.default_branch:
        return Done(f"the work is on {branch}, the default branch, already")
    try:
        wanted = _wanted(event, branch, remote.default_branch, ctx)
        pull = client.ensure_pull(remote.name, wanted)
    except Invalid as error:
        return _refused(error, branch, remote.default_branch)
    # The core knows the repository by the name that it has here, which may be the one before a renaming.
    _label(client, remote.name, pull, ctx)
    _tell_more(client, remote.name, pull, wanted, event, ctx)
    change = translate.change_ref(pull, repository.name, remote.external_id or None)
    if change is None:
        raise NexusError("GitHub's answer describes no pull request")
    if pull.get("state") != "open":
        return Done(f"{change.url} is no longer open")
    fact = ChangeOpened(change=change, draft=pull.get("draft") is True)
    ctx.nexus.changes.apply(fact, actor=ctx.actor, delivery=ctx.delivery)
    return Done(change.url)


def _label(client: GitHubClient, repository: str, pull: Mapping[str, object], ctx: Context) -> None:
    """Put the labels on that the settings name; a pull request without them is one all the same."""
    from .issues import add_labels

    number, labels = whole(pull.get("number")), ctx.settings(Settings).pull_labels
    if number is None or not labels or pull.get("state") != "open":
        return
    try:
        add_labels(client, repository, number, labels)
    except (Forbidden, Invalid, NotFound) as error:
        ctx.log.warning("#%s of %s was not labelled: %s", number, repository, error.message)


def _tell_more(
    client: GitHubClient,
    repository: str,
    pull: Mapping[str, object],
    wanted: PullText,
    event: AssignmentCompleted,
    ctx: Context,
) -> None:
    """Say below a pull request of ours what was done since it was opened: its body tells of the first time."""
    from .pulls import harmless

    body, number = text(pull.get("body")), whole(pull.get("number"))
    if number is None or "<!-- nexus:assignment-" not in body or wanted.marker in body:
        return
    if not ctx.settings(Settings).comments:
        return
    summary = harmless(text(event.payload.get("summary")), ctx.nexus.config.key_prefix) or "The work went on."
    said = f"{summary}\n\nThe agent **{event.payload.get('agent')}** (assignment {event.assignment_id})"
    client.comment_once(repository, number, f"assignment-{event.assignment_id}", said)


def _refused(error: Invalid, branch: str, base: str) -> Outcome:
    """What to make of GitHub's refusal to open a pull request.

    :raises Invalid: it is none of those that can be expected
    """
    said = text(error.details.get("said")).lower()
    if "no commits between" in said:
        return Done(f"{branch} holds nothing that {base} does not hold")
    if "head invalid" in said:
        return Retry(f"the branch {branch} is not on GitHub; push it there")
    raise error


def _wanted(event: AssignmentCompleted, branch: str, base: str, ctx: Context) -> PullText:
    from .pulls import compose

    assert event.task_id is not None and event.assignment_id is not None  # noqa: S101 - the event's contract
    task = ctx.nexus.tasks.get(event.task_id, actor=ctx.actor)
    assignment = ctx.nexus.assignments.get(event.assignment_id, actor=ctx.actor)
    summary = text(event.payload.get("summary"))
    prefix = ctx.nexus.config.key_prefix
    return compose(task, assignment, summary=summary, head=branch, base=base, prefix=prefix)


@patiently
def publish_documents(event: DocumentsChanged, ctx: Context) -> Outcome:
    """Commit a repository's documents to the docs branch, in one commit, when they differ from it."""
    if event.repository_id is None:
        return Done("the documents belong to no repository")
    settings = ctx.settings(Settings)
    repository = ctx.nexus.repositories.get(event.repository_id, actor=ctx.actor)
    if reason := unreachable(repository, settings):
        return not_done(ctx, f"the documents of {repository.name} were not published: {reason}")
    documents = ctx.nexus.documents.render(repository.id, actor=ctx.actor)
    files = {document.path: document.content for document in documents}
    if not files:
        return Done("there are no documents")
    with client_for(ctx, repository.name) as client:
        return _publish(client, repository, files, settings, ctx)


def _publish(
    client: GitHubClient, repository: Repository, files: Mapping[str, str], settings: Settings, ctx: Context
) -> Outcome:
    from .commits import commit_files

    message = f"Update the documents that Nexus keeps\n\nRendered from the tasks of {repository.name}."
    done = commit_files(client, repository.name, branch=settings.docs_branch, files=files, message=message)
    url = done.url
    if settings.docs_pull_request and done.branch == settings.docs_branch:
        url = _propose_documents(client, repository, settings) or url
    ctx.nexus.documents.mark_published(
        repository.id, tuple(files), branch=done.branch, commit=done.commit, url=url, actor=ctx.actor
    )
    return Done(f"{'committed' if done.changed else 'unchanged'} at {done.commit[:12]} on {done.branch}")


def _propose_documents(client: GitHubClient, repository: Repository, settings: Settings) -> str:
    from .client import PullText

    base = client.repository(repository.name).default_branch
    body = "Nexus keeps these documents in step with the tasks. Later changes are added to this pull request."
    wanted = PullText(title="Update the documents that Nexus keeps", body=body, head=settings.docs_branch, base=base)
    try:
        return text(client.ensure_pull(repository.name, wanted).get("html_url"))
    except Invalid as error:
        if "no commits between" in error.message.lower():
            return ""  # all of it was merged
        raise


def git_credentials(url: str, ctx: Context) -> tuple[str, str] | None:
    """The user and password for cloning from and pushing to GitHub over HTTPS; None for any other address."""
    settings = ctx.settings(Settings)
    parts = urlsplit(url)
    is_ours = parts.scheme == "https" and parts.netloc.lower() in settings.git_hosts
    repository = parts.path.strip("/").removesuffix(".git")
    if not is_ours or settings.missing_access or not repository:
        return None
    from .connecting import credential

    try:
        return ("x-access-token", credential(settings, repository).token())
    except (NotFound, Forbidden) as error:  # the App is not there; a public repository can be read all the same
        ctx.log.warning("%s", error.message)
        return None


def check_access(ctx: Context) -> str | NotChecked | None:
    """What is wrong with our access to GitHub; None when it works."""
    settings = ctx.settings(Settings)
    if settings.missing_access:
        wrong = settings.app_id or settings.app_private_key
        return settings.missing_access if wrong else NotChecked("no token or App is configured (NEXUS_GITHUB_TOKEN)")
    try:
        with client_for(ctx) as client:
            client.check()
    except NexusError as error:
        return error.message
    return None
