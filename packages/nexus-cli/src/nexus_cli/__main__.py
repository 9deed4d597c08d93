"""The command `nexus`, also as `python -m nexus_cli`."""

import signal
import sys


def run() -> int:
    """Run the command of this process's arguments; its exit code."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command can be told, it is the silent end
    from nexus_cli.main import main

    signal.signal(signal.SIGINT, handler)
    return main()


if __name__ == "__main__":
    sys.exit(run())
