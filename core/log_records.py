"""Log lines: to stderr, in UTC. A text from outside can neither start a line of its own nor steer a terminal."""

import logging
import time
from typing import Any

from core.hidden_characters import mark_hidden

_OURS = ("app", "blueprints", "config", "connectors", "core", "domain", "jobs", "models", "worker")


class OneLineRecord(logging.LogRecord):
    """A log record. What our own code logs stays on one line, with hidden characters shown."""

    def getMessage(self) -> str:  # noqa: N802 (the name is that of logging)
        text = super().getMessage()
        return mark_hidden(text) if self.name.partition(".")[0] in _OURS else text


class UtcFormatter(logging.Formatter):
    """Begins each line with its moment in UTC, as in 2026-11-30T08:15:00.250Z."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


def log_to_stderr() -> None:
    """Write the log of this program to stderr, unless whoever started it has set up its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(UtcFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def use_one_line_records() -> None:
    """Make every record of this process a `OneLineRecord`."""
    made: Any = OneLineRecord
    logging.setLogRecordFactory(made)
