"""What the demo prints: readable on a terminal and in a plain log alike."""

from __future__ import annotations

import time

import click

_WIDTH = 100


class StepFailed(Exception):
    """A step of the demo did not hold."""


class Stage:
    """Prints steps while they happen, and keeps what they proved."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._number = 0
        self.proved: list[str] = []

    @property
    def seconds(self) -> float:
        """How long the demo has run."""
        return time.monotonic() - self._began

    def title(self, text: str, under: str) -> None:
        """The name of the play."""
        click.secho(f"\n  {text}", bold=True)
        click.secho(f"  {under}\n", dim=True)

    def step(self, text: str) -> None:
        """A new step begins."""
        self._number += 1
        head = f"── {self._number}  {text} "
        click.secho(
            "\n" + head + "─" * max(3, _WIDTH - len(head) - 8) + f" {self.seconds:5.1f} s", fg="cyan", bold=True
        )

    def command(self, text: str) -> None:
        """A command, as one would type it."""
        click.secho(f"   $ {text}", fg="yellow")

    def say(self, text: str, *, dim: bool = False) -> None:
        """Something that happened."""
        for line in text.rstrip().splitlines():
            click.secho(f"     {line}", dim=dim)

    def quote(self, text: str, mark: str = "│") -> None:
        """Text of others, set off."""
        for line in text.rstrip().splitlines():
            click.echo("     " + click.style(mark, fg="bright_black") + f" {line}")

    def check(self, holds: bool, claim: str, *, otherwise: str = "") -> None:
        """Something that must be true. :raises StepFailed: it is not"""
        if not holds:
            raise StepFailed(f"{claim}: no. {otherwise}".strip())
        self.proved.append(claim)
        click.echo("   " + click.style("✓", fg="green", bold=True) + f" {claim}")

    def end(self) -> None:
        """What was proved."""
        head = f"── What this proved ({len(self.proved)} of {len(self.proved)} held) "
        click.secho("\n" + head + "─" * max(3, _WIDTH - len(head)), fg="green", bold=True)
        for claim in self.proved:
            click.echo("   " + click.style("✓", fg="green") + f" {claim}")
        click.secho(f"\n   The main job ran in {self.seconds:.1f} s. Nothing was left behind.", bold=True)
        click.secho("   Next: `nexus up` starts your own hub; docs/getting-started.md says how to go on.\n", dim=True)
