"""The runner, with real git repositories and real processes."""

from __future__ import annotations

import os
import threading

import pytest

from nexus_core.errors import StaleClaim, Unavailable

BRANCH = "nexus/nx-12-add-a-greeting"


def _url(remote):
    return f"file://{remote}"


def _log(support, remote, branch=BRANCH):
    return support.git("log", "--format=%s", f"main..{branch}", cwd=remote).splitlines()


def test_a_commit_reaches_the_remote(support, remote, agent, worktrees):
    """What the agent commits in its worktree is pushed as the branch of the task."""
    command = agent("echo hi > greeting.txt", "git add greeting.txt", "git commit -qm 'greet people'")
    result = support.runner().run(support.request(worktrees, command, _url(remote)))

    assert (True, BRANCH, 1, "greet people") == (result.ok, result.branch, result.commits, result.summary)
    assert result.head == support.git("rev-parse", BRANCH, cwd=remote)


def test_uncommitted_changes_are_committed(support, remote, agent, worktrees):
    """An agent that does not know git still delivers, under its own name."""
    result = support.runner().run(support.request(worktrees, agent("echo hi > greeting.txt"), _url(remote)))

    assert (True, 1) == (result.ok, result.commits)
    assert "robot (Nexus agent)|NX-12: Add a greeting" == support.git(
        "log", "-1", "--format=%an|%s", BRANCH, cwd=remote
    )


def test_ignored_files_are_not_committed(support, remote, agent, worktrees):
    """What the repository ignores stays out."""
    command = agent("echo '*.log' > .gitignore", "echo x > noise.log")
    support.runner().run(support.request(worktrees, command, _url(remote)))

    assert [".gitignore", "README.md"] == support.git("ls-tree", "--name-only", BRANCH, cwd=remote).splitlines()


def test_the_task_comes_by_standard_input_and_by_file(support, remote, agent, worktrees):
    """Both carry the same words; the file is outside the worktree and private."""
    command = agent('cat > a.txt; cat "$NEXUS_TASK_FILE" > b.txt; stat -c %a "$NEXUS_TASK_FILE" . > c.txt')
    support.runner().run(support.request(worktrees, command, _url(remote)))
    shown = [support.git("show", f"{BRANCH}:{name}", cwd=remote) for name in ("a.txt", "b.txt", "c.txt")]

    assert ["Please add a greeting.", "Please add a greeting.", "600\n700"] == shown


def test_a_worktree_of_git_is_used_and_removed(support, remote, agent, worktrees):
    """The agent stands in a linked worktree, of which nothing is left at the end."""
    heard = support.Heard()
    command = agent("test -f .git && pwd; touch x")
    support.runner().run(support.request(worktrees, command, _url(remote), heard=heard))

    assert heard.text.startswith(str(worktrees))
    assert not list(worktrees.rglob("tree"))


def test_no_change_is_no_success(support, remote, agent, worktrees):
    """An agent that ends well but did nothing has not done the task."""
    result = support.runner().run(support.request(worktrees, agent("true"), _url(remote)))

    assert (False, "it ended without a change") == (result.ok, result.error)
    assert "main" == support.git("branch", "--format=%(refname:short)", cwd=remote)


def test_a_failing_agent_says_why(support, remote, agent, worktrees):
    """The exit code and the last lines are the error; nothing is pushed."""
    command = agent("echo working; touch x; echo 'no licence left' >&2; exit 3")
    result = support.runner().run(support.request(worktrees, command, _url(remote)))

    assert not result.ok
    assert result.error.startswith("exit code 3: ") and "no licence left" in result.error


def test_an_error_by_the_agents_own_word_is_one(support, remote, agent, worktrees):
    """Claude Code can end with code 0 and say that it failed."""
    line = '{"type":"result","subtype":"success","is_error":true,"result":"API Error: refused"}'
    result = support.runner().run(support.request(worktrees, agent("touch x", f"echo '{line}'"), _url(remote)))

    assert (False, "exit code 0: API Error: refused") == (result.ok, result.error)


def test_the_last_answer_is_the_summary(support, remote, agent, worktrees):
    """What the agent answers last tells people what was done."""
    line = '{"type":"result","subtype":"success","is_error":false,"result":"greets people now"}'
    heard = support.Heard()
    result = support.runner().run(
        support.request(worktrees, agent("touch x", f"echo '{line}'"), _url(remote), heard=heard)
    )

    assert "greets people now" == result.summary
    assert [("response", "greets people now")] == heard.said


def test_a_missing_command_is_named(support, remote, worktrees):
    """The message says which command is to be installed."""
    result = support.runner().run(support.request(worktrees, ("no-such-agent", "-p"), _url(remote)))

    assert (
        False,
        "agent robot: the command no-such-agent is not found; install it, or correct its path",
    ) == (
        result.ok,
        result.error,
    )


def test_a_command_out_of_the_repository_is_refused(support, remote, worktrees):
    """Only the configuration says what is run, never a file of a repository."""
    result = support.runner().run(support.request(worktrees, ("./agent.sh",), _url(remote)))

    assert "absolute path" in result.error


def test_a_program_that_is_none_is_an_error(support, remote, agent, worktrees):
    """What the system refuses to start is told, not raised."""
    result = support.runner().run(support.request(worktrees, agent(shebang="#!/no/such/interpreter"), _url(remote)))

    assert (False, "the command cannot be run: No such file or directory") == (result.ok, result.error)


def test_a_time_out_ends_all_that_came_of_the_agent(support, remote, agent, worktrees, tmp_path):
    """Children, children in other sessions and those that ignore the request are gone after the time-out."""
    command = agent(
        f"echo $$ >> {tmp_path}/pids",
        f"sh -c 'echo $$ >> {tmp_path}/pids; sleep 300' &",
        f"setsid sh -c 'trap \"\" TERM; echo $$ >> {tmp_path}/pids; sleep 300; sleep 300' &",
        f"setsid sh -c '(setsid sh -c \"echo \\$\\$ >> {tmp_path}/pids; sleep 300\" &)' &",
        "sleep 300",
    )
    result = support.runner().run(support.request(worktrees, command, _url(remote), timeout=1.5))
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]

    assert (False, "timed out after 1.5s", 4) == (result.ok, result.error, len(pids))
    assert not [pid for pid in pids if support.is_alive(pid)]


def test_a_daemon_left_behind_is_ended(support, remote, agent, worktrees, tmp_path):
    """An agent that ends well leaves no process either."""
    command = agent(f"setsid sh -c 'echo $$ > {tmp_path}/pid; sleep 300' > /dev/null 2>&1 &", "sleep 0.3; touch x")
    result = support.runner().run(support.request(worktrees, command, _url(remote)))

    assert result.ok
    assert not support.is_alive(int((tmp_path / "pid").read_text()))


def test_too_many_processes_end_the_run(support, remote, agent, worktrees):
    """What forks without end is ended; the machine is not."""
    command = agent("for i in $(seq 60); do sleep 300 & done", "sleep 300")
    result = support.runner(processes=40).run(support.request(worktrees, command, _url(remote)))

    assert (False, "it started more processes than it may (40)") == (result.ok, result.error)


def test_too_much_memory_ends_the_run(support, remote, agent, worktrees):
    """What takes more memory than it may is ended."""
    command = agent("import time", "x = b'x' * (90 << 20)", "time.sleep(300)", shebang="#!/usr/bin/env python3")
    result = support.runner(memory_mib=64).run(support.request(worktrees, command, _url(remote)))

    assert (False, "it used more memory than it may (64 MiB)") == (result.ok, result.error)


def test_large_files_are_refused(support, remote, agent, worktrees):
    """A file grows to the limit and no further."""
    result = support.runner(file_mib=1).run(
        support.request(worktrees, agent("exec head -c 5000000 /dev/zero > big"), _url(remote))
    )

    assert not result.ok


def test_the_environment_of_the_hub_is_not_seen(support, remote, agent, worktrees, monkeypatch):
    """A canary in the hub's environment is found in no environment, command line or file of /proc."""
    monkeypatch.setenv("NEXUS_TOKEN", "canary-5e1f")
    environ = {**os.environ, "NEXUS_TOKEN": "canary-5e1f", "OTHER": "canary-5e1f", "MINE": "seen"}
    command = agent(
        "(env; cat /proc/*/environ /proc/*/cmdline) > dump 2>/dev/null",
        "cat $(git rev-parse --git-common-dir)/config >> dump",
        "echo mine=$MINE; ls -l /proc/self/fd > fds",
    )
    heard = support.Heard()
    request = support.request(worktrees, command, _url(remote), env=("MINE", "NEXUS_TOKEN"), heard=heard)
    support.runner(environ).run(request)

    assert "canary-5e1f" not in support.git("show", f"{BRANCH}:dump", cwd=remote)
    assert "mine=seen" in heard.text
    assert "socket:" not in support.git("show", f"{BRANCH}:fds", cwd=remote)


def test_the_hub_itself_cannot_be_looked_into(support, remote, agent, worktrees):
    """The worker's environment, memory and descriptors are closed to its agents."""
    heard = support.Heard()
    command = agent(f"cat /proc/{os.getpid()}/environ && echo OPEN || echo closed; touch x")
    support.runner().run(support.request(worktrees, command, _url(remote), heard=heard))

    assert "closed" in heard.text
    assert "OPEN" not in heard.text


def test_secrets_of_the_agent_are_hidden_in_reports(support, remote, agent, worktrees):
    """The agent may have a key; what it prints of it does not reach people."""
    environ = {**os.environ, "MODEL_API_KEY": "sk-very-secret-1"}
    heard = support.Heard()
    request = support.request(
        worktrees, agent("echo key $MODEL_API_KEY; exit 1"), _url(remote), env=("MODEL_API_KEY",), heard=heard
    )
    result = support.runner(environ).run(request)

    assert ("key [redacted]", "exit code 1: key [redacted]") == (heard.text, result.error)


@pytest.mark.parametrize("title", ["$(touch {p})", "`touch {p}`; x | y && z\n--help", "--help", "# x", "a\x00b\x1b[0m"])
def test_a_hostile_title_has_no_effect(support, remote, agent, worktrees, tmp_path, title):
    """A title is text: for the shell, for git and for the agent."""
    canary = tmp_path / "canary"
    request = support.request(
        worktrees,
        agent("echo hi > x"),
        _url(remote),
        title=title.format(p=canary),
        prompt=title.format(p=canary),
    )
    result = support.runner().run(request)

    assert (True, False) == (result.ok, canary.exists())
    assert support.git("log", "-1", "--format=%s", BRANCH, cwd=remote).startswith("NX-12: ")


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c touch% {p}", "EXT::sh -c touch% {p}", "--upload-pack=touch {p}", "https://u:p@host/a/b"],
)
def test_dangerous_addresses_are_refused(support, agent, worktrees, tmp_path, url):
    """Git is not even asked."""
    canary = tmp_path / "canary"
    result = support.runner().run(support.request(worktrees, agent("true"), url.format(p=canary)))

    assert (False, False) == (result.ok, canary.exists())
    assert "refused" in result.error


@pytest.mark.parametrize("branch", ["--upload-pack=touch p", "main", "a..b", ""])
def test_dangerous_branches_are_refused(support, remote, agent, worktrees, branch):
    """Neither an option nor the default branch is worked on."""
    result = support.runner().run(support.request(worktrees, agent("touch x"), _url(remote), branch=branch))

    assert not result.ok
    assert "begin" == support.git("log", "-1", "--format=%s", "main", cwd=remote)


def test_what_an_agent_does_to_the_configuration_is_undone(support, remote, agent, worktrees, tmp_path):
    """Filters, hooks and monitors that an agent sets up in its repository do not run with our rights."""
    canary = tmp_path / "canary"
    command = agent(
        f"git config core.fsmonitor 'touch {canary}'",
        f"git config filter.x.clean 'touch {canary}; cat'",
        "git config core.hooksPath $PWD/hooks; git config user.name Somebody",
        f"mkdir hooks; printf '#!/bin/sh\\ntouch {canary}\\n' | tee hooks/pre-commit > hooks/pre-push",
        "chmod +x hooks/*",
        "echo '* filter=x' > .gitattributes",
    )
    result = support.runner().run(support.request(worktrees, command, _url(remote)))

    assert (True, False) == (result.ok, canary.exists())
    assert "robot (Nexus agent)" == support.git("log", "-1", "--format=%an", BRANCH, cwd=remote)


def test_a_worktree_that_is_gone_is_told(support, remote, agent, worktrees):
    """An agent that removes everything fails, and says so."""
    result = support.runner().run(
        support.request(worktrees, agent('cd / && rm -rf "$(dirname "$NEXUS_TASK_FILE")/tree"'), _url(remote))
    )

    assert (False, "the worktree is gone: the agent removed it") == (result.ok, result.error)


def test_two_runs_at_once_do_not_meet(support, remote, agent, worktrees):
    """Two tasks of one repository are worked on at the same time, each in a place of its own."""
    command = agent('echo "$NEXUS_BRANCH" > "$NEXUS_TASK_KEY.txt"; sleep 0.5; git stash list; ls')
    results = {}

    def run(task):
        request = support.request(worktrees, command, _url(remote), task=task, assignment=task)
        results[task] = support.runner().run(request)

    threads = [threading.Thread(target=run, args=(task,)) for task in (21, 22, 23)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [support.git("ls-tree", "--name-only", f"nexus/nx-{n}-add-a-greeting", cwd=remote) for n in (21, 22, 23)]

    assert [True, True, True] == [results[task].ok for task in (21, 22, 23)]
    assert ["NX-21.txt\nREADME.md", "NX-22.txt\nREADME.md", "NX-23.txt\nREADME.md"] == files


def test_a_branch_of_the_remote_is_continued(support, remote, agent, worktrees):
    """After a review the agent goes on where the branch stands."""
    runner = support.runner()
    runner.run(support.request(worktrees, agent("echo 1 > one"), _url(remote)))
    result = runner.run(support.request(worktrees, agent("test -f one && echo 2 > two"), _url(remote), assignment=6))

    assert (True, 1, 2) == (result.ok, result.commits, len(_log(support, remote)))


def test_a_branch_that_others_moved_is_not_overwritten(support, remote, agent, worktrees):
    """A person's push meanwhile is kept; the run fails."""
    command = agent(
        "echo mine > x",
        f"cd {remote} && git -c user.name=p -c user.email=p@x commit-tree -m theirs 'main^{{tree}}' -p main"
        f" | xargs git update-ref refs/heads/{BRANCH}",
    )
    result = support.runner().run(support.request(worktrees, command, _url(remote)))

    assert (False, ["theirs"]) == (result.ok, _log(support, remote))
    assert "changed by somebody else" in result.error


def test_an_assignment_that_was_delivered_is_not_done_again(support, remote, agent, worktrees):
    """The worker died after the push and before it said so: the result is the same, at once."""
    request = support.request(worktrees, agent("echo x >> work"), _url(remote))
    first, again = support.runner().run(request), support.runner().run(request)

    assert first == again
    assert 1 == len(_log(support, remote))


def test_a_lost_claim_ends_the_agent(support, remote, agent, worktrees, tmp_path):
    """When the work was handed on, the agent is ended at once, nothing is pushed and the caller knows."""
    command = agent(f"echo $$ > {tmp_path}/pid; touch x; sleep 300")

    def heartbeat():
        if (tmp_path / "pid").exists():
            raise StaleClaim

    with pytest.raises(StaleClaim):
        support.runner().run(support.request(worktrees, command, _url(remote), heartbeat=heartbeat))

    assert not support.is_alive(int((tmp_path / "pid").read_text()))
    assert "main" == support.git("branch", "--format=%(refname:short)", cwd=remote)


def test_a_claim_lost_at_the_end_is_not_pushed(support, remote, agent, worktrees, tmp_path):
    """The claim is looked at once more before the push."""

    def heartbeat():
        raise StaleClaim

    with pytest.raises(StaleClaim):
        support.runner(heartbeat=60).run(
            support.request(worktrees, agent("touch x"), _url(remote), heartbeat=heartbeat)
        )

    assert "main" == support.git("branch", "--format=%(refname:short)", cwd=remote)


def test_a_hub_that_cannot_be_reached_does_not_end_the_agent(support, remote, agent, worktrees):
    """A database that restarts costs no work: the agent goes on, and what it said is told later."""
    heard = support.Heard()
    beats = []

    def heartbeat():
        beats.append(1)
        if len(beats) == 1:
            raise Unavailable

    result = support.runner(heartbeat=0.2).run(
        support.request(worktrees, agent("echo hi; sleep 1; touch x"), _url(remote), heard=heard, heartbeat=heartbeat)
    )

    assert (True, "hi") == (result.ok, heard.text)


def test_the_lease_is_renewed_and_the_start_told_once(support, remote, agent, worktrees):
    """A launched agent need not know of leases."""
    heard = support.Heard()
    support.runner(heartbeat=0.2).run(support.request(worktrees, agent("sleep 1; touch x"), _url(remote), heard=heard))

    assert 1 == heard.starts
    assert heard.beats >= 3


def test_a_torrent_of_output_is_counted(support, remote, agent, worktrees):
    """Of endless output a part is kept; the rest is counted, and the run ends at its time-out."""
    heard = support.Heard()
    result = support.runner(output_kib=16).run(
        support.request(worktrees, agent("exec yes"), _url(remote), timeout=1.5, heard=heard)
    )

    assert "timed out after 1.5s" == result.error
    assert len(heard.text) < 20_000
    assert "more lines" in heard.said[-1][1]


def test_few_activities_for_many_lines(support, remote, agent, worktrees):
    """Lines that come together are reported together, in order and none lost."""
    heard = support.Heard()
    support.runner().run(support.request(worktrees, agent("seq 300"), _url(remote), heard=heard))

    assert [str(n) for n in range(1, 301)] == heard.text.split()
    assert len(heard.said) <= 4


def test_without_a_repository_the_exit_code_decides(support, agent, worktrees):
    """A task that belongs to no repository is run in an empty folder, without git."""
    heard = support.Heard()
    result = support.runner().run(support.request(worktrees, agent("ls -A; echo done"), heard=heard))

    assert (True, None, 0, "done") == (result.ok, result.branch, result.commits, heard.text)
    assert not support.runner().run(support.request(worktrees, agent("exit 4"), assignment=6)).ok


def test_a_repository_that_is_not_there_is_told(support, agent, worktrees, tmp_path):
    """What git says about it is the error."""
    result = support.runner().run(support.request(worktrees, agent("true"), f"file://{tmp_path}/none"))

    assert not result.ok
    assert result.error.startswith("git fetch: fatal:")


def test_an_empty_repository_is_told(support, agent, worktrees, tmp_path):
    """There is nothing to begin with."""
    support.git("init", "--quiet", "--bare", str(tmp_path / "empty.git"), cwd=tmp_path)
    result = support.runner().run(support.request(worktrees, agent("true"), f"file://{tmp_path}/empty.git"))

    assert "the repository has no branch main to begin with" == result.error
