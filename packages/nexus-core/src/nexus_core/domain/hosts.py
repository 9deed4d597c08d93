"""Facts about code hosts beside changes and issues: repositories, access, people, and what they write in comments."""

from __future__ import annotations

from datetime import datetime

import attrs


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
