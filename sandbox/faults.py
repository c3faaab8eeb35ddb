"""Switchable faults: each part declares its own by name, /control/faults sets them."""

import threading
import time

from sandbox.store import get_store

KIND = "fault"

_descriptions: dict[str, str] = {}
_stopping = threading.Event()


class UnknownFault(Exception):
    """Names that no part declared."""

    def __init__(self, names: list[str]):
        super().__init__(f"unknown faults: {', '.join(names)}")
        self.names = names


def declare(name: str, description: str) -> None:
    """Declare a fault; it is off until someone switches it on."""
    _descriptions[name] = description


def on(name: str) -> bool:
    """Return whether a fault is on.

    Raises:
    - UnknownFault: it was not declared, which is a programming error.
    """
    if name not in _descriptions:
        raise UnknownFault([name])
    return bool(get_store().get(KIND, name, {}).get("on", False))


def take(name: str) -> bool:
    """Like `on`, for a fault that occurs once: the first caller gets True and switches it off."""
    if name not in _descriptions:
        raise UnknownFault([name])
    taken = False

    def switch_off(doc: dict | None) -> dict | None:
        nonlocal taken
        taken = bool(doc and doc["on"])
        return {"on": False} if taken else None

    get_store().update(KIND, name, switch_off)
    return taken


def hold(name: str, seconds: float) -> None:
    """Make the caller wait while the fault is on, for at most `seconds`. Switching it off, or stopping the sandbox,
    releases all waiting callers at once.
    """
    ends = time.monotonic() + seconds
    while on(name) and time.monotonic() < ends and not _stopping.wait(0.1):
        continue


def let_go() -> None:
    """Release all waiting callers because the sandbox stops."""
    _stopping.set()


def switch(states: dict[str, bool]) -> None:
    """Set several faults at once.

    Raises:
    - UnknownFault: a name is unknown; then none is set.
    """
    unknown = sorted(set(states) - set(_descriptions))
    if unknown:
        raise UnknownFault(unknown)
    for name, state in states.items():
        get_store().put(KIND, name, {"on": bool(state)})


def states() -> dict[str, bool]:
    """Return every declared fault with its state, by name."""
    return {name: on(name) for name in sorted(_descriptions)}


def descriptions() -> dict[str, str]:
    return dict(sorted(_descriptions.items()))
