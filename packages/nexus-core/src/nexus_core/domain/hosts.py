"""Facts about code hosts beside changes and issues: repositories, access, people, and what they write in comments."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..errors import Fault


@attrs.frozen(kw_only=True)
class CommentAdded:
    """Somebody wrote a comment on a change or an issue."""

    source: str
    repository: str
    number: int
    external_id: str  #: the host's own id of the comment
    body: str
    on_change: bool  #: false: on an issue
    author: str = ""
    author_id: str = ""  #: the host's own id of the person; names change hands
    url: str = ""
    own: bool = False  #: Nexus itself wrote it
    repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class RepositoryStateChanged:
    """A repository is `active`, `archived` (read-only) or `deleted` at its host."""

    source: str
    repository: str
    state: str
    at: datetime | None = None  #: by the host's clock
    repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class DefaultBranchChanged:
    """A repository has another default branch: new work begins there."""

    source: str
    repository: str
    branch: str
    repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class HostAccessChanged:
    """Nexus may or may no longer reach repositories at their host."""

    source: str
    granted: bool
    #: Each by `owner/name` and the host's own id.
    repositories: tuple[tuple[str, str | None], ...] = ()
    owner: str = ""  #: whose repositories they all are, where no list is given
    reason: str = ""
    at: datetime | None = None  #: by the host's clock


@attrs.frozen(kw_only=True)
class AuthorizationRevoked:
    """A person took back that they log in through this host: their sessions and the keys of their logins end."""

    source: str
    account_id: str  #: the host's own id of the person
    account: str = ""


@attrs.frozen(kw_only=True)
class HostFinding:
    """Something that is wanting between a repository's host and the hub, with the setting that mends it."""

    what: str
    mend: str  #: what to set, in the host's own words
    url: str = ""  #: the page on which it is set
    done: bool = False  #: Nexus has set it just now


@attrs.frozen(kw_only=True)
class HostReport:
    """A repository as its host has it now, as far as Nexus may look."""

    name: str  #: `owner/name`, the present one
    default_branch: str
    external_id: str | None = None
    state: str = "active"  #: or `archived`
    policy: bytes | None = None  #: the policy file on the default branch; None: there is none
    task_file: tuple[str, bytes] | None = None  #: path and content, on the default branch
    findings: tuple[HostFinding, ...] = ()


@attrs.frozen(kw_only=True)
class Connection:
    """What came of connecting a repository with its host."""

    host: str  #: the plugin's name for it; empty: no plugin knows the repository's host
    is_reachable: bool
    reason: str = ""  #: why it is not
    policy: str = "none"  #: the policy file: `none`, `in-force` or `refused`
    policy_faults: tuple[Fault, ...] = ()
    imported: int | None = None  #: how many tasks its task file has; None: there is no task file
    import_error: str = ""
    findings: tuple[HostFinding, ...] = ()
