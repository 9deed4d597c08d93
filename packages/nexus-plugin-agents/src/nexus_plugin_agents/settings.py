"""What can be set in `[plugins.agents]`."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """How command agents are run. Times are in seconds, and a limit of 0 is none."""

    heartbeat: float = 10.0  #: how often the lease of a running assignment is renewed
    grace: float = 10.0  #: what an agent has between the request to end and the kill
    git_timeout: float = 900.0  #: the longest a single git command may take
    git_hosts: tuple[str, ...] = ()  #: the hosts that may be fetched from and pushed to; none = any
    output_kib: int = 1024  #: how much of an agent's output is kept; the rest is counted
    memory_mib: int = 8192  #: of an agent with all its children
    processes: int = 512  #: of an agent with all its children
    file_mib: int = 4096  #: the largest file an agent may write
    allow_privileges: bool = False  #: whether an agent may gain privileges, such as by `sudo -u` in its command
