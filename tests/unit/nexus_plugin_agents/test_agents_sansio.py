"""Branches, addresses, commands and the environment: what is accepted and what is not."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_core.domain.agents import Agent
from nexus_core.errors import Invalid
from nexus_plugin_agents.sansio import (
    check_branch,
    check_remote,
    command_of,
    duration_text,
    environment_of,
    secrets_of,
)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "EXT::sh -c touch% /tmp/p",
        "ext::sh",
        "fd::17/foo",
        "--upload-pack=touch /tmp/p",
        "-oProxyCommand=id",
        "https://user:secret@github.com/a/b",
        "https://token@github.com/a/b",
        "https:///h",
        "https://",
        "https://github.com",
        "https://-host/a/b",
        "ssh://-oProxyCommand=id/a/b",
        "ssh://-l@host/a/b",
        "ssh://git:pw@host/a/b",
        "git@-host:a/b",
        "git@host:-a/b",
        "http://github.com/a/b",
        "git://github.com/a/b",
        "ftp://github.com/a/b",
        "https://github.com\\@evil.example/a/b",
        "https://github.com:0x/a/b",
        "https://github.com/a/b\nX: y",
        "https://github.com/a b",
        "file:///etc",
        "/etc",
        "../up",
        "repo",
        "",
        "\x00",
    ],
)
def test_dangerous_addresses_are_refused(url):
    """Nothing that git could take for a command, an option, a secret or a local path gets through."""
    with pytest.raises(Invalid):
        check_remote(url)


def test_a_refusal_does_not_repeat_the_password():
    """The message of a refusal can be shown to anybody."""
    with pytest.raises(Invalid) as refusal:
        check_remote("http://user:hunter2secret@host/a/b")

    assert "hunter2secret" not in refusal.value.message


@pytest.mark.parametrize(
    ("url", "protocol", "host"),
    [
        ("https://github.com/acme/api.git", "https", "github.com"),
        ("HTTPS://GitHub.com:8443/acme/api", "https", "github.com"),
        ("ssh://git@github.com/acme/api", "ssh", "github.com"),
        ("ssh://git@[::1]:22/acme/api", "ssh", "::1"),
        ("git@github.com:acme/api.git", "ssh", "github.com"),
    ],
)
def test_usual_addresses_are_accepted(url, protocol, host):
    """https, ssh and the short form of ssh are what repositories have."""
    remote = check_remote(url)

    assert (url, protocol, host) == (remote.url, remote.protocol, remote.host)


def test_local_repositories_need_permission(tmp_path):
    """A path is accepted only when the configuration says so, and only an absolute one."""
    assert "file" == check_remote(f"file://{tmp_path}", allow_local=True).protocol
    with pytest.raises(Invalid, match="begins with /"):
        check_remote("file://host/share", allow_local=True)


def test_ext_is_refused_even_where_local_is_allowed():
    """The permission for local paths is none for commands."""
    with pytest.raises(Invalid):
        check_remote("ext::sh -c id", allow_local=True)


def test_hosts_can_be_limited():
    """With a list of hosts, others are refused."""
    assert "github.com" == check_remote("https://github.com/a/b", hosts=("GitHub.com",)).host
    with pytest.raises(Invalid, match="not among those allowed"):
        check_remote("https://evil.example/a/b", hosts=("github.com",))


@pytest.mark.parametrize(
    "name",
    [
        "", "-x", "--upload-pack=touch p", "a..b", "a b", "a\nb", "a~1", "a^", "a:b", "a?", "a*", "a[",
        "a\\b", "/a", "a/", "a//b", "a/.b", ".a", "a.lock", "a.lock/b", "a.", "@", "a@{1}", "HEAD",
        "refs/heads/x", "x" * 201, "a\x7f",
    ],
)  # fmt: skip
def test_names_that_are_no_branches_are_refused(name):
    """Nothing that git refuses, or could take for an option, is used as a branch."""
    with pytest.raises(Invalid):
        check_branch(name)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab/.@{~^:-_*[\\ lock\t")), min_size=1, max_size=12))
def test_every_accepted_branch_is_one_for_git(name):
    """What we accept, git accepts."""
    try:
        check_branch(name)
    except Invalid:
        return

    assert 0 == subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True).returncode


def test_presets_read_the_task_from_standard_input():
    """The commands of known agents carry no task."""
    claude = command_of(Agent(name="c", preset="claude-code"))

    assert ("claude", "-p", "--output-format", "stream-json", "--verbose") == claude[:5]
    assert "-" == command_of(Agent(name="x", preset="codex"))[-1]


def test_an_own_command_wins_over_a_preset():
    """Who gives a command means it."""
    assert ("mine",) == command_of(Agent(name="c", preset="claude-code", command=("mine",)))


def test_an_unknown_preset_is_named_with_the_known_ones():
    """The message helps to correct it."""
    with pytest.raises(Invalid, match=r"'cluade'.*claude-code, codex"):
        command_of(Agent(name="c", preset="cluade"))


def test_the_environment_is_an_allow_list():
    """An agent sees what it is given; the hub's own variables not even when they are listed."""
    environ = {"PATH": "/bin", "HOME": "/h", "SECRET": "s", "MINE": "m", "NEXUS_TOKEN": "t"}
    agent = Agent(name="a", env=("MINE", "NEXUS_TOKEN", "ABSENT"))

    assert {"PATH": "/bin", "HOME": "/h", "MINE": "m", "NEXUS_BRANCH": "b"} == environment_of(
        agent, environ, {"NEXUS_BRANCH": "b"}
    )


def test_only_values_that_look_secret_are_hidden():
    """Keys and tokens are hidden from reports; words such as `production` are not."""
    environ = {"API_KEY": "abcdefgh1", "MODE": "production", "SHORT_TOKEN": "abc"}

    assert ("abcdefgh1",) == secrets_of(Agent(name="a", env=("API_KEY", "MODE", "SHORT_TOKEN")), environ)


def test_durations_are_short():
    """Times read as people write them in the configuration."""
    assert ["45m", "1h30m", "2m5s", "0.5s"] == [duration_text(s) for s in (2700, 5400, 125, 0.5)]
