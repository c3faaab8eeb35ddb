"""The general control API: faults, the banks' clock, reset."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, jsonify, request

from sandbox import clock, faults
from sandbox.store import get_store

control = Blueprint("control", __name__, url_prefix="/control")

_seeds: list[Callable[[], None]] = []


class BadControl(Exception):
    """A control call cannot be carried out; the text says why."""

    def __init__(self, text: str, status: int = 400):
        super().__init__(text)
        self.status = status


def on_reset(seed: Callable[[], None]) -> Callable[[], None]:
    """Register a function that writes initial data, at the first start and at each reset."""
    if seed not in _seeds:
        _seeds.append(seed)
    return seed


def reset() -> None:
    """Empty the store and add the initial data, in one transaction.

    The broker's key stays, because its clients cache it.
    """
    store = get_store()
    with store.as_one():
        store.clear(but="broker_key")
        seed_all()


def seed_once() -> None:
    """Add the initial data if the store was never filled."""
    store = get_store()
    if store.get("sandbox", "seeded") is None:
        with store.as_one():
            seed_all()


def seed_all() -> None:
    for seed in _seeds:
        seed()
    get_store().put("sandbox", "seeded", {"at": clock.now().isoformat()})


def json_object() -> dict[str, Any]:
    """Return the JSON object of the request; an empty body counts as {}.

    Raises:
    - BadControl: it is not a JSON object.
    """
    if not request.get_data(cache=True):
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise BadControl("a JSON object is expected")
    return body


@control.app_errorhandler(BadControl)
def say_what_is_wrong(error: BadControl):
    return jsonify(error=str(error)), error.status


@control.get("/faults")
def list_faults():
    return jsonify(faults.states())


@control.post("/faults")
def set_faults():
    states = json_object()
    wrong = sorted(name for name, state in states.items() if not isinstance(state, bool))
    if wrong:
        raise BadControl(f"true or false is expected for: {', '.join(wrong)}")
    try:
        faults.switch(states)
    except faults.UnknownFault as error:
        raise BadControl(str(error)) from error
    return jsonify(faults.states())


@control.post("/clock")
def advance_clock():
    days = json_object().get("advance_days")
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 366:
        raise BadControl("advance_days: a whole number from 0 to 366 is expected")
    return jsonify(bank_day=clock.advance(days).isoformat())


@control.get("/clock")
def show_clock():
    return jsonify(bank_day=clock.bank_day().isoformat())


@control.post("/reset")
def reset_everything():
    reset()
    return jsonify(reset=True)


def setup(app: Flask) -> None:
    app.register_blueprint(control)
