"""Log lines of ours: a text from outside in one can neither start a line of its own nor steer a terminal."""

import logging
from typing import Any

from core.hidden_characters import mark_hidden

_OURS = ("app", "blueprints", "config", "connectors", "core", "domain", "jobs", "models", "worker")


class OneLineRecord(logging.LogRecord):
    """A log record. What our own code logs stays on one line, with hidden characters shown."""

    def getMessage(self) -> str:  # noqa: N802 (the name is that of logging)
        text = super().getMessage()
        return mark_hidden(text) if self.name.partition(".")[0] in _OURS else text


def use_one_line_records() -> None:
    """Make every record of this process a `OneLineRecord`."""
    made: Any = OneLineRecord
    logging.setLogRecordFactory(made)
