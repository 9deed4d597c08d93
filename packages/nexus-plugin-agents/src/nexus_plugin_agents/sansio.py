"""The rules without I/O: which branches, addresses and commands are acceptable, and what an agent may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs

from nexus_core.domain.agents import Agent
from nexus_core.errors import Invalid

#: The commands of the agents that are known by name. They read the task from standard input, and may edit the
#: files of the worktree without asking, since nobody is there to answer.
PRESETS: Mapping[str, tuple[str, ...]] = {
    "claude-code": (
        *("claude", "-p", "--output-format", "stream-json", "--verbose"),
        *("--permission-mode", "acceptEdits"),
    ),
    "codex": ("codex", "exec", "--json", "--sandbox", "workspace-write", "--skip-git-repo-check", "-"),
}

#: What every agent sees of the environment.
ALWAYS_SEEN = ("PATH", "HOME", "LANG")

_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_REF_REFUSED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$|^[-/.]|^@$")
_SCP_LIKE = re.compile(r"git@([A-Za-z0-9][A-Za-z0-9.-]*):(?!-)[^\s:]+", re.ASCII)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_USERINFO = re.compile(r"//[^/]*@")
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH", re.IGNORECASE)


def check_branch(name: str) -> str:
    """The branch's name, when git would take it and no command could take it for an option.

    >>> check_branch("nexus/nx-12-add-login")
    'nexus/nx-12-add-login'

    :raises Invalid: it is not the name of a branch
    """
    if not name or len(name) > 200 or name == "HEAD" or name.startswith("refs/") or _REF_REFUSED.search(name):
        raise Invalid(f"{name[:80]!r} is not a name for a branch")
    return name


@attrs.frozen(kw_only=True)
class Remote:
    """Where a repository is fetched from and pushed to: an address that was checked."""

    url: str
    protocol: str  #: https, ssh or file: the one protocol that git may use for it
    host: str = ""

    @property
    def takes_password(self) -> bool:
        """Whether a user and a password can be sent to it."""
        return self.protocol in ("https", "http")


def check_remote(url: str, *, allow_local: bool = False, hosts: tuple[str, ...] = ()) -> Remote:
    """The address of a repository, when it is one that git may be given.

    >>> check_remote("https://github.com/acme/api.git").host
    'github.com'

    :raises Invalid: another protocol, a host that is not allowed, a secret within it, or nonsense
    """
    if not url or _CONTROL.search(url) or url.startswith("-") or "::" in url.split("[")[0]:
        raise _refused(url, "it is not the address of a repository")
    if "://" not in url and not _SCP_LIKE.fullmatch(url):
        remote = _local(url, url, allow_local)
    elif "://" not in url:
        remote = Remote(url=url, protocol="ssh", host=url[len("git@") :].partition(":")[0].lower())
    else:
        remote = _with_scheme(url, allow_local)
    if remote.host and hosts and remote.host not in {host.lower() for host in hosts}:
        raise _refused(url, f"its host is not among those allowed ({', '.join(hosts)})")
    return remote


def _with_scheme(url: str, allow_local: bool) -> Remote:
    scheme = url.partition("://")[0].lower()
    if scheme == "file":
        return _local(url, url[len("file://") :], allow_local)
    if scheme not in ("https", "ssh"):
        raise _refused(url, "write https://, ssh:// or git@host:owner/name")
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise _refused(url, "it is not the address of a repository") from None
    name, user = parts.hostname or "", parts.username
    if not port_ok or not _HOST.fullmatch(name) or parts.path in ("", "/") or parts.path.startswith("/-"):
        raise _refused(url, "it is not the address of a repository")
    if parts.password is not None or (user is not None and (scheme == "https" or not _USER.fullmatch(user))):
        raise _refused(url, "it carries a user or a password; give those to Nexus, not in the address")
    return Remote(url=url, protocol=scheme, host=name)


def _local(url: str, path: str, allowed: bool) -> Remote:
    if not allowed:
        raise _refused(url, "local repositories need NEXUS_GIT_ALLOW_LOCAL, which is for demos and tests")
    if not path.startswith("/"):
        raise _refused(url, "the path of a local repository begins with /")
    return Remote(url=url, protocol="file")


def _refused(url: str, why: str) -> Invalid:
    shown = _USERINFO.sub("//…@", _CONTROL.sub("?", url))[:120]
    return Invalid(f"the repository's address is refused: {why} ({shown})")


def command_of(agent: Agent) -> tuple[str, ...]:
    """The command that launches the agent: its own, else its preset's.

    :raises Invalid: it has neither, or the preset is not known
    """
    if agent.command:
        return agent.command
    if agent.preset is None or agent.preset not in PRESETS:
        known = ", ".join(PRESETS)
        raise Invalid(f"agent {agent.name} has no command, and its preset {agent.preset!r} is none of {known}")
    return PRESETS[agent.preset]


def environment_of(agent: Agent, environ: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    """What the agent sees of the environment: the allow-list and `facts`; no variable of the hub's."""
    wanted = [name for name in (*ALWAYS_SEEN, *agent.env) if not name.upper().startswith("NEXUS_")]
    return {name: environ[name] for name in wanted if name in environ} | dict(facts)


def secrets_of(agent: Agent, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values that must not appear in what the agent is reported to have said, the longest first."""
    values = {environ.get(name, "") for name in agent.env if _SECRET_NAME.search(name)}
    return tuple(sorted((value for value in values if len(value) >= 8), key=len, reverse=True))


def duration_text(seconds: float) -> str:
    """A length of time in few letters.

    >>> [duration_text(2700), duration_text(5430), duration_text(1.5)]
    ['45m', '1h30m30s', '1.5s']
    """
    if seconds < 60:
        return f"{seconds:g}s"
    minutes, rest = divmod(round(seconds), 60)
    parts = [(minutes // 60, "h"), (minutes % 60, "m"), (rest, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number)
