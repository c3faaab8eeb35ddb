"""Log lines: to stderr, in UTC. A text from outside can neither start a line of its own nor steer a terminal.

For people a line begins with its moment, level and module, and ends with what it belongs to (`core/log_context.py`).
For machines it is one JSON object, which also holds the facts that the code gave with it (`extra={"fields": {…}}`).
"""

import logging
import sys
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog

from core.hidden_characters import mark_hidden

_OURS = ("app", "blueprints", "config", "connectors", "core", "domain", "jobs", "models", "worker")
_OWN_HANDLERS = ("gunicorn.error",)  # loggers that write in a form of their own


class OneLineRecord(logging.LogRecord):
    """A log record. What our own code logs stays on one line, with hidden characters shown."""

    def getMessage(self) -> str:  # noqa: N802 (the name is that of logging)
        text = super().getMessage()
        return mark_hidden(text) if self.name.partition(".")[0] in _OURS else text


class UtcFormatter(logging.Formatter):
    """Begins each line with its moment in UTC, as in 2026-11-30T08:15:00.250Z; ends it with what it belongs to."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is that of logging)
        line = super().formatMessage(record)
        about = " ".join(f"{name}={value}" for name, value in sorted(structlog.contextvars.get_contextvars().items()))
        return f"{line} [{about}]" if about else line


class _StderrHandler(logging.StreamHandler):
    """Our handler, to be told from one of whoever started the program."""


def log_to_stderr(as_json: bool = False) -> None:
    """Write the log of this program to stderr, unless whoever started it has set up its own.

    A second call changes the form: the settings that say which are read after the first line may be needed.
    """
    root = logging.getLogger()
    handler = next((one for one in root.handlers if isinstance(one, _StderrHandler)), None)
    if handler is None:
        if root.handlers:
            return
        handler = _StderrHandler()
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    handler.setFormatter(json_formatter() if as_json else text_formatter())
    if as_json:
        _take_over_other_lines()


def _take_over_other_lines() -> None:
    """Have the same form for lines that others write to stderr: gunicorn's, and the error that ends the program."""
    for name in _OWN_HANDLERS:
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
    sys.excepthook = _log_last_error


def _log_last_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        logging.getLogger("app").critical("ended by an error", exc_info=(kind, error, trace))
    else:
        sys.__excepthook__(kind, error, trace)


def text_formatter() -> logging.Formatter:
    """Return the form for people."""
    return UtcFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")


def json_formatter() -> logging.Formatter:
    """Return the form for machines: one JSON object in ASCII, in which no character can end the line."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_moment, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name,
                           structlog.contextvars.merge_contextvars, _fields, _shown],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )  # fmt: skip


def _moment(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record: logging.LogRecord = line["_record"]
    told = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    line["time"] = told.replace("+00:00", "Z")
    return line


def _fields(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the facts of the line; those of the line itself stay."""
    for name, value in getattr(line["_record"], "fields", {}).items():
        line[name if name not in ("time", "level", "logger") else f"{name}_"] = value
    return line


def _shown(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Show hidden characters here too, for who reads the values on a terminal."""
    for name, value in line.items():
        if isinstance(value, str):
            line[name] = mark_hidden(value)
    return line


def use_one_line_records() -> None:
    """Make every record of this process a `OneLineRecord`."""
    made: Any = OneLineRecord
    logging.setLogRecordFactory(made)
