"""The settings of the plugin: the table `[plugins.github]`, then the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs

from nexus_core.domain.access import Role
from nexus_core.errors import ConfigurationError
from nexus_core.plugins.records import PluginSettings, Setting

PUBLIC_API = "https://api.github.com"
PUBLIC_SITE = "https://github.com"
SHORTEST_SECRET = 16
SECRET_VARIABLE = "NEXUS_GITHUB_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable, not a secret


def _split(secrets: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (secrets or "").split(","))


def _check_secret(_instance: object, _field: object, value: str | None) -> None:
    """Refuse secrets that protect nothing: better no start than a door that looks closed."""
    if value is not None and any(len(part) < SHORTEST_SECRET for part in _split(value)):
        raise ConfigurationError(
            f"{SECRET_VARIABLE}: a webhook secret is empty or shorter than {SHORTEST_SECRET} characters; "
            "make one with `openssl rand -hex 32` and set the same at GitHub"
        )


def _check_url(_instance: object, field: attrs.Attribute[str], value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ConfigurationError(f"plugins.github.{field.name}: expected an address such as {PUBLIC_API}")


def _check_role(_instance: object, field: attrs.Attribute[str], value: str) -> None:
    if value not in list(Role):
        raise ConfigurationError(f"plugins.github.{field.name}: expected one of {', '.join(Role)}")


@attrs.frozen(kw_only=True)
class Settings:
    """What the plugin needs to know.

    :raises ConfigurationError: a webhook secret is too short, or an address is none
    """

    webhook_secret: str | None = attrs.field(default=None, validator=_check_secret, repr=False)
    api_url: str = attrs.field(default=PUBLIC_API, validator=_check_url)
    token: str | None = attrs.field(default=None, repr=False)
    app_id: str | None = None
    app_private_key: str | None = attrs.field(default=None, repr=False)
    oauth_url: str = attrs.field(default=PUBLIC_SITE, validator=_check_url)
    client_id: str | None = None
    client_secret: str | None = attrs.field(default=None, repr=False)
    organisations: tuple[str, ...] = ()
    organisation_role: str = attrs.field(default=str(Role.VIEWER), validator=_check_role)
    docs_branch: str = "nexus/docs"
    docs_pull_request: bool = False
    tasks_branch: str = "nexus/tasks"
    tasks_pull_request: bool = False
    pull_labels: tuple[str, ...] = ("nexus",)
    readiness_check: bool = True
    comments: bool = True
    review_rounds: int = 5
    write_pause: int = 1000  #: milliseconds between two writing calls, as GitHub asks for

    @property
    def webhook_secrets(self) -> tuple[bytes, ...]:
        """Every secret that a webhook may be signed with; none = webhooks are refused."""
        return tuple(part.encode() for part in _split(self.webhook_secret) if part)

    @property
    def git_hosts(self) -> frozenset[str]:
        """The hosts (with the port, where there is one) that GitHub's repositories are cloned from.

        >>> sorted(Settings(api_url="https://ghe.acme.com/api/v3").git_hosts)
        ['ghe.acme.com', 'github.com']
        """
        return frozenset({"github.com", urlsplit(self.api_url).netloc.lower().removeprefix("api.")})

    @property
    def is_app(self) -> bool:
        """Whether GitHub is called as an App, which comes before the token."""
        return bool(self.app_id and self.app_id.strip() and self.app_private_key and self.app_private_key.strip())

    @property
    def missing_access(self) -> str | None:
        """Why GitHub cannot be called; None when it can."""
        if self.is_app or (self.token and self.token.strip()):
            return None
        if self.app_id:
            return "the private key of the GitHub App is missing; set NEXUS_GITHUB_APP_PRIVATE_KEY to it (PEM)"
        if self.app_private_key:
            return "the id of the GitHub App is missing; set NEXUS_GITHUB_APP_ID"
        return "no GitHub token is configured; set NEXUS_GITHUB_TOKEN, or NEXUS_GITHUB_APP_ID with its private key"


DECLARED = PluginSettings(
    name="github",
    cls=Settings,
    settings=(
        Setting(
            key="webhook_secret",
            env=SECRET_VARIABLE,
            secret=True,
            doc="What webhooks are signed with: one or more, by comma. None: they are refused.",
        ),
        Setting(
            key="api_url",
            env="NEXUS_GITHUB_API_URL",
            default=PUBLIC_API,
            doc="Every call to GitHub goes below it.",
        ),
        Setting(key="token", env="NEXUS_GITHUB_TOKEN", secret=True, doc="What we call GitHub as."),
        Setting(
            key="app_id",
            env="NEXUS_GITHUB_APP_ID",
            doc="A GitHub App to call GitHub as, where it is installed; it comes before the token.",
        ),
        Setting(
            key="app_private_key", env="NEXUS_GITHUB_APP_PRIVATE_KEY", secret=True, doc="The App's private key (PEM)."
        ),
        Setting(key="oauth_url", env="NEXUS_GITHUB_OAUTH_URL", default=PUBLIC_SITE, doc="Where people log in."),
        Setting(key="client_id", env="NEXUS_GITHUB_CLIENT_ID", doc="The OAuth application, for login."),
        Setting(
            key="client_secret",
            env="NEXUS_GITHUB_CLIENT_SECRET",
            secret=True,
            doc="The application's secret.",
        ),
        Setting(
            key="organisations",
            env="NEXUS_GITHUB_ORGANISATIONS",
            default=(),
            doc="Organisations, by login or (better: it never changes hands) id, whose members come in uninvited.",
        ),
        Setting(
            key="organisation_role",
            env="NEXUS_GITHUB_ORGANISATION_ROLE",
            default="viewer",
            doc="The role that those members get.",
        ),
        Setting(
            key="docs_branch",
            env="NEXUS_GITHUB_DOCS_BRANCH",
            default="nexus/docs",
            doc="The branch that documents are committed to.",
        ),
        Setting(
            key="docs_pull_request",
            env="NEXUS_GITHUB_DOCS_PULL_REQUEST",
            default=False,
            doc="Keep a pull request open from that branch.",
        ),
        Setting(
            key="tasks_branch",
            env="NEXUS_GITHUB_TASKS_BRANCH",
            default="nexus/tasks",
            doc="The branch that the task file is committed to. It is Nexus's own.",
        ),
        Setting(
            key="tasks_pull_request",
            env="NEXUS_GITHUB_TASKS_PULL_REQUEST",
            default=False,
            doc="Write the task file back: keep a pull request open from that branch while it would read differently.",
        ),
        Setting(
            key="pull_labels",
            env="NEXUS_GITHUB_PULL_LABELS",
            default=("nexus",),
            doc="The labels of pull requests that Nexus opens.",
        ),
        Setting(
            key="readiness_check",
            env="NEXUS_GITHUB_READINESS_CHECK",
            default=True,
            doc="Show beside pull requests whether their tasks wait for others: a check run as an App, else a status.",
        ),
        Setting(
            key="comments",
            env="NEXUS_GITHUB_COMMENTS",
            default=True,
            doc="Say below a merged pull request what became ready, and when an agent was sent back too often.",
        ),
        Setting(
            key="review_rounds",
            env="NEXUS_GITHUB_REVIEW_ROUNDS",
            default=5,
            doc="How often an agent is sent back to a pull request with what reviewers and checks found.",
        ),
        Setting(
            key="write_pause",
            env="NEXUS_GITHUB_WRITE_PAUSE",
            default=1000,
            doc="Milliseconds between two writing calls; GitHub asks for a second.",
        ),
    ),
)
