"""Log lines as JSON, one a line whatever is in them."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from nexus_core.clock import to_text


class JsonFormatter(logging.Formatter):
    """Time, level, logger and message, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "at": to_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Send the log of this process to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("nexus").setLevel(level)
    # These tell of each attempt to reconnect; we say it once.
    for noisy in ("kombu", "amqp"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
