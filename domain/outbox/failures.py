"""What is said of mails and notifications that were not sent: a line in the log each time. It names no address."""

import logging

log = logging.getLogger(__name__)


def note_failure(what: str, attempts: int, why: str, gave_up: bool) -> None:
    """Log that something was not sent: an error once it is not tried again, else a warning."""
    level, then = (logging.ERROR, "given up") if gave_up else (logging.WARNING, "tried again later")
    log.log(level, "%s was not sent at attempt %s: %s; %s", what, attempts, why, then)
