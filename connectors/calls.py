"""Calls to external services: each is timed, written in the log and counted, however it ends.

A call is told by counterpart, operation, result and time. Nothing that was asked or answered is: no secret, no person,
no account, no amount.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

Result = Literal["ok", "refused", "failed"]
LONGEST_REASON = 160
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """One call that ended. "refused": the service answered that it will not; "failed": it gave no usable answer.

    `counterpart`: what kind of service: "bank", "nmbrs" …; `which`: one of several of a kind, by its id in the
    settings, else empty.
    """

    counterpart: str
    which: str
    operation: str
    result: Result
    seconds: float


class CallTally(Protocol):
    """Counts calls of all processes together."""

    def add(self, call: Call) -> None:
        """Count a call. Never raises: that it cannot be counted must not change how it ended."""
        ...


@dataclass
class Reason:
    """Why a call did not succeed, if its error does not say it. Set it to words that name no person and no secret."""

    why: str = ""


_tally: CallTally | None = None


def use_tally(tally: CallTally | None) -> None:
    """Set where calls are counted; the entry points do this at start."""
    global _tally
    _tally = tally


@contextmanager
def reported(
    counterpart: str, operation: str, *, which: str = "", refusals: tuple[type[Exception], ...] = (),
    is_refusal: Callable[[Exception], bool] = lambda error: False, words: Callable[[Exception], str] = str,
) -> Iterator[Reason]:  # fmt: skip
    """Report the call that is made inside. An error of it is raised again.

    `refusals`, `is_refusal`: which errors are a refusal by the service. `words`: what the log may tell of an error,
    beside its type; by default its message, which our ports keep free of names and secrets.
    """
    began, reason = time.monotonic(), Reason()
    try:
        yield reason
    except Exception as error:
        refused = isinstance(error, refusals) or is_refusal(error)
        result: Result = "refused" if refused else "failed"
        why = f"{type(error).__name__} {reason.why or words(error)}".strip()[:LONGEST_REASON]
        _report(Call(counterpart, which, operation, result, time.monotonic() - began), why)
        raise
    _report(Call(counterpart, which, operation, "ok", time.monotonic() - began))


def _report(call: Call, why: str = "") -> None:
    told = {
        "counterpart": call.counterpart, "which": call.which, "operation": call.operation, "result": call.result,
        "milliseconds": round(call.seconds * 1000), "why": why,
    }  # fmt: skip
    log.log(
        logging.INFO if call.result == "ok" else logging.WARNING, "call %s: %s after %s ms%s",
        " ".join(filter(None, (call.counterpart, call.which, call.operation))), call.result, told["milliseconds"],
        f": {why}" if why else "", extra={"fields": {name: value for name, value in told.items() if value != ""}},
    )  # fmt: skip
    if _tally is not None:
        _tally.add(call)
