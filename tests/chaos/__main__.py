"""Chaos: `python -m tests.chaos --seed 1 --events 100000 --faults 250 --seconds 900`.

Needs PostgreSQL's and RabbitMQ's programs on this machine; they are started on ports of their own. What was promised,
and what a run found, is told in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .run import Load, chaos


def main() -> int:
    """Run, and tell; 1 when something was lost, or happened twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--stories", type=int, help="tasks on their way through the API; as a rule one for 20 events")
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--logs", type=Path, help="a folder for the logs of all processes")
    wanted = parser.parse_args()
    stories = wanted.events // 20 if wanted.stories is None else wanted.stories
    report = chaos(Load(wanted.seed, wanted.events, stories, wanted.faults, wanted.seconds), wanted.logs)
    print("\n".join([f"seed {wanted.seed}", *report.lines()]))
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
