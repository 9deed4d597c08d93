"""`nexus inbox`: questions of agents that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import command, limit_options
from ..paging import listed
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("list", example="nexus inbox")
@limit_options
def list_(session: Session, everything: bool, limit: int) -> None:
    """List the questions that wait for a person."""
    listed(session, "/inbox", show_questions, everything=everything, limit=limit)


@command("answer", example='nexus inbox answer 14 "Use the second one"')
@click.argument("question", type=click.IntRange(1), metavar="QUESTION")
@click.argument("answer")
def answer(session: Session, question: int, answer: str) -> None:
    """Answer an agent's question. The first answer wins."""
    session.show(session.call("POST", f"/inbox/{question}/answer", body={"answer": answer}), show_answered)


def show_questions(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of questions."""
    from ..screen import when

    rows = [
        (screen.bold(asked["id"]), asked["assignment_id"], when(asked["created_at"]), " | ".join(asked["choices"]),
         asked["body"])
        for asked in found["items"]
    ]  # fmt: skip
    header = ("question", "assignment", "when", "choices", "text")
    screen.table(header, rows, empty="Nobody waits for an answer.")


def show_answered(screen: Screen, asked: dict[str, Any]) -> None:
    """Tell that a question is answered."""
    screen.line(f"{screen.bold(asked['id'])}  {screen.style(asked['body'])}  → {screen.style(asked['answer'])}")
