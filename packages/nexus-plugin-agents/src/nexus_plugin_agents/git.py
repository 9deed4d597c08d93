"""Runs git: arguments are lists, options of ours come first, and no configuration but ours has a say."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from .process import Callbacks, GuardedCommand, Limits
from .sansio import Remote

#: What git sees of the environment: how to reach the network and the user's ssh agent, and no more.
_SEEN = (
    *(
        "PATH",
        "HOME",
        "LANG",
        "SSH_AUTH_SOCK",
        "GIT_SSH_COMMAND",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GIT_SSL_CAINFO",
    ),
    *(
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ),
)
_FIXED = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_OPTIONS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.quotePath=false", "submodule.recurse=false"),
    *("fetch.recurseSubmodules=false", "push.recurseSubmodules=no", "gc.auto=0", "gc.autoDetach=false"),
    *("maintenance.auto=false", "commit.gpgSign=false", "credential.helper=", "protocol.allow=user"),
)


class GitFailed(Exception):
    """Git refused; the message is its own, in one line, without secrets."""


class BranchMoved(GitFailed):
    """Somebody else changed the branch meanwhile: to try again would not help."""


@attrs.frozen(kw_only=True)
class Git:
    """Runs git commands for one repository."""

    remote: Remote
    environ: Mapping[str, str] = attrs.field(repr=False)
    timeout: float = 900.0  #: seconds that one command may take
    credentials: tuple[str, str] | None = attrs.field(default=None, repr=False)  #: user and password for the remote
    beat: Callable[[], None] = lambda: None  #: called about five times a second while the network is used

    def run(
        self,
        *arguments: str,
        git_dir: Path | None = None,
        work_tree: Path | None = None,
        text: str = "",
        local: bool = False,
    ) -> str:
        """Run a command on this machine; what it printed. `local` lets it fetch from a path of this machine.

        :raises GitFailed: it did not succeed
        """
        command = _command(arguments, git_dir, work_tree)
        env = self._environment("file" if local else "")
        try:
            done = subprocess.run(
                command,
                env=env,
                cwd=work_tree,
                input=text.encode(),
                capture_output=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git {arguments[0]} took longer than {self.timeout:g} s") from None
        except OSError as error:
            raise GitFailed(f"git cannot be run: {error.strerror}") from None
        if done.returncode:
            raise self._failed(arguments[0], done.stderr.decode(errors="replace").splitlines())
        return done.stdout.decode("utf-8", "surrogateescape")

    def reach(self, *arguments: str, git_dir: Path, objects: Path | None = None) -> list[str]:
        """Run a command that uses the network, under a guard; the lines that it printed.

        `objects` is a further folder of objects, such as those to push.

        :raises GitFailed: it did not succeed
        """
        env = self._environment(self.remote.protocol) | self._authorization()
        if objects is not None:
            env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(objects)
        lines: list[str] = []
        limits = Limits(deadline=self.timeout, grace=5, confine=False, privileges=True)
        with GuardedCommand(_command(arguments, git_dir, None), cwd=git_dir, env=env, limits=limits) as command:
            ending = command.follow(Callbacks(line=lines.append, tick=self.beat))
        if ending.reason == "timeout":
            raise GitFailed(f"git {arguments[0]} took longer than {self.timeout:g} s")
        if ending.code:
            raise self._failed(arguments[0], lines or [ending.reason])
        return lines

    def _environment(self, protocol: str) -> dict[str, str]:
        seen = {name: self.environ[name] for name in _SEEN if name in self.environ}
        ssh = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=30"}
        return ssh | seen | _FIXED | {"GIT_ALLOW_PROTOCOL": protocol or "none"}

    def _authorization(self) -> dict[str, str]:
        """The credentials, by the environment: they stand in no argument, no address and no file."""
        if self.credentials is None or not self.remote.takes_password:
            return {}
        word = base64.b64encode(":".join(self.credentials).encode()).decode()
        parts = urlsplit(self.remote.url)
        settings = {
            f"http.{parts.scheme}://{parts.netloc}/.extraHeader": f"Authorization: Basic {word}",
            "http.followRedirects": "false",  # the header would travel along
        }
        pairs = enumerate(settings.items())
        named = {
            f"GIT_CONFIG_{what}_{n}": text
            for n, pair in pairs
            for what, text in zip(("KEY", "VALUE"), pair, strict=True)
        }
        return {"GIT_CONFIG_COUNT": str(len(settings)), **named}

    def _failed(self, what: str, lines: list[str]) -> GitFailed:
        telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", " ! "))] or lines[-3:]
        text = " ".join(" ".join(telling[:4]).split())[:500] or "it failed without a word"
        for secret in self.credentials or ():
            text = text.replace(secret, "[redacted]") if len(secret) >= 8 else text
        return GitFailed(f"git {what}: {text}")


def _command(arguments: tuple[str, ...], git_dir: Path | None, work_tree: Path | None) -> list[str]:
    options = [part for option in _OPTIONS for part in ("-c", option)]
    places = [f"--git-dir={git_dir}"] if git_dir else []
    places += [f"--work-tree={work_tree}"] if work_tree else []
    return ["git", *options, *places, *arguments]
