"""The switchable misbehaviours: each part declares its own by name, /control/faults sets them."""

import threading
import time

from sandbox.store import get_store

KIND = "fault"

_descriptions: dict[str, str] = {}
_stopping = threading.Event()


class UnknownFault(Exception):
    """One or more names that no part declared."""

    def __init__(self, names: list[str]):
        super().__init__(f"unknown faults: {', '.join(names)}")
        self.names = names


def declare(name: str, description: str) -> None:
    """Make a misbehaviour known; it is off until somebody switches it on."""
    _descriptions[name] = description


def on(name: str) -> bool:
    """Is this misbehaviour switched on? Asking for an undeclared one is a mistake in the program."""
    if name not in _descriptions:
        raise UnknownFault([name])
    return bool(get_store().get(KIND, name, {}).get("on", False))


def take(name: str) -> bool:
    """Like `on`, for what happens once: the first to ask gets True and switches it off."""
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
    """Keep the caller waiting while the switch is on, for at most so long. Switching it off, or the end of the
    sandbox, lets all who wait go on at once."""
    ends = time.monotonic() + seconds
    while on(name) and time.monotonic() < ends and not _stopping.wait(0.1):
        continue


def let_go() -> None:
    """The sandbox stops: nobody waits any longer."""
    _stopping.set()


def switch(states: dict[str, bool]) -> None:
    """Set several at once; raises UnknownFault and sets none when a name is unknown."""
    unknown = sorted(set(states) - set(_descriptions))
    if unknown:
        raise UnknownFault(unknown)
    for name, state in states.items():
        get_store().put(KIND, name, {"on": bool(state)})


def states() -> dict[str, bool]:
    """Every declared misbehaviour with its state, by name."""
    return {name: on(name) for name in sorted(_descriptions)}


def descriptions() -> dict[str, str]:
    return dict(sorted(_descriptions.items()))
