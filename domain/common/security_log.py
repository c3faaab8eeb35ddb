"""The security log: who tried to prove who they are or to get past a rule, from where, and how it ended.

One line of JSON per event in the logger of this module, so that a collector can read it and nobody can forge a line.
It names users, devices and clients by their ids and an unknown account by a keyed hash of its address: no name, no
address, no secret (`docs/logging.md`). What changes a client's data is in its audit log (`domain.common.audit`).
"""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from domain.common.encryption import blind_index
from domain.common.errors import DomainError, OperatorRefused
from models import Authority, Client, User

log = logging.getLogger(__name__)
DONE, REFUSED = "done", "refused"
# Where the current request comes from; empty in a worker or a command.
origin: ContextVar[dict[str, Any]] = ContextVar("origin", default={})  # noqa: B039 (never changed, only replaced)


def record_security_event(event: str, outcome: str, **facts: Any) -> None:
    """Write one event; a refusal is a warning."""
    told = {"event": event, "outcome": outcome, **facts, **origin.get()}
    text = json.dumps(told, default=str, sort_keys=True)
    log.log(logging.WARNING if outcome == REFUSED else logging.INFO, text, extra={"fields": told})


def by_account(address: str) -> dict[str, str]:
    """Return an account as it is logged before anybody knows whether it exists."""
    return {"account": blind_index(f"security log|{address.strip().lower()}")[:16]}


def by_operator(name: str) -> dict[str, str]:
    """Return an operator as it is logged."""
    return {"operator": name}


def security_logged(event: str, first: Callable[[str], dict[str, str]] | None = None, **facts: Any) -> Callable:
    """Log how a call of the decorated function ended: done, or refused with an error, which is raised again.

    Users, clients and signing authority among its arguments and results are named by their ids. `first` tells how the
    first argument, a text, is logged; no other text is.
    """

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            known = {**facts, **(first(args[0]) if first else {}), **_ids((*args, *kwargs.values()))}
            try:
                result = function(*args, **kwargs)
            except (DomainError, OperatorRefused) as error:
                record_security_event(event, REFUSED, why=type(error).__name__, **known)
                raise
            record_security_event(event, DONE, **{**known, **_ids(result if isinstance(result, tuple) else (result,))})
            return result

        return called

    return decorate


def _ids(values: tuple[Any, ...]) -> dict[str, int]:
    found = {}
    for one in values:
        if isinstance(one, User):
            found["user"] = one.id
        elif isinstance(one, Client):
            found["client"] = one.id
        elif isinstance(one, Authority):
            found["user"] = one.user_id
    return found
