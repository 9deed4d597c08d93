"""The demo's coding agent: a command like any other. It reads its task from standard input, writes code, commits.

It stands in for the language model alone; everything around it (worktree, branch, time limit, activities, pull
request) is what a real agent gets. `--fail` makes it give up halfway, `--seconds` makes it take its time.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

_MODULE = '''"""Greetings."""

GREETINGS = {"en": "Hello", "de": "Hallo", "fr": "Bonjour", "es": "Hola"}


def greet(language: str) -> str:
    """A greeting in a language; English when it is not known."""
    return GREETINGS.get(language, GREETINGS["en"]) + ", world!"
'''


def main() -> int:
    """Work on the task; the exit code says how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fail", action="store_true", help="give up halfway")
    parser.add_argument("--seconds", type=float, default=0.0, help="take so long over it")
    options = parser.parse_args()
    prompt = sys.stdin.read()
    key, title = _task(prompt)
    say(f"Reading {key}: {title}")
    time.sleep(options.seconds)
    if options.fail:
        say("The generator is not installed here; I cannot go on.")
        return 3
    path = Path("src/greeting.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(_MODULE, "utf-8")
    say(f"Wrote {path}")
    subprocess.run([sys.executable, "-c", _CHECK], check=True)  # the test strategy of the task
    say("Checked: greet('en') starts with “Hello”")
    subprocess.run(["git", "add", "--", str(path)], check=True)
    subprocess.run(["git", "commit", "--quiet", "-m", f"Add the greeting endpoint\n\nImplements {key}."], check=True)
    say("Committed. Done.")
    return 0


_CHECK = "import runpy; assert runpy.run_path('src/greeting.py')['greet']('en').startswith('Hello')"


def say(text: str) -> None:
    """Tell Nexus, line by line, what happens."""
    print(text, flush=True)


def _task(prompt: str) -> tuple[str, str]:
    key = re.search(r"\b([A-Z]+-\d+)\b", prompt)
    title = re.search(r"^Title: (.*)$", prompt, re.MULTILINE)
    return (key[1] if key else "?", title[1] if title else "?")


if __name__ == "__main__":
    sys.exit(main())
