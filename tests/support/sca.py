"""Steps of SCA as a user takes them, each exchange with the bank observed, and a process that dies between two."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.http_signatures import development_identity
from core.clock import utcnow
from domain.common.services import configure, services
from domain.orders import sca
from domain.orders.sca_state import ScaStep
from models import Batch, ScaSession
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.signing import (
    at_the_bank,
    signing_by,
)


class Killed(BaseException):
    """Raised where a process would be killed."""


def observe_bank_with(keys: Path, look: Callable) -> None:
    """From now on this is told of each exchange with the bank, before we record anything of it."""
    configure(replace(services(), bank=BerlinGroupBank(development_identity(keys), read_timeout=5, observe=look)))


def begin(demo: Demo, batch: Batch, again: bool = False) -> ScaStep:
    return sca.start_sca(demo.client, demo.user, batch.reference, PSU, again)


def choose(demo: Demo, batch: Batch, method: str = "lezer") -> ScaStep:
    return sca.choose_method(demo.client, demo.user, batch.reference, PSU, method)


def enter(demo: Demo, batch: Batch, code: str) -> ScaStep:
    return sca.submit_otp(demo.client, demo.user, batch.reference, PSU, code)


def step_of(demo: Demo, batch: Batch) -> ScaStep:
    return sca.step_of_payment(demo.view(batch))


def with_challenge(demo: Demo, sandbox: Sandbox) -> tuple[Batch, str]:
    """Return a payment whose challenge is known, and the challenge."""
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    begin(demo, batch)
    return batch, choose(demo, batch).challenge[0]


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}"


def dies_after(keys: Path, method: str) -> None:
    def die(request, answer) -> None:
        if request.method == method and "/authorisations" in request.url and answer is not None:
            raise Killed

    observe_bank_with(keys, die)


def lives(keys: Path) -> None:
    observe_bank_with(keys, lambda request, answer: None)


def claims_run_out() -> None:
    held = ScaSession.lease_until.is_null(False)
    ScaSession.update(lease_until=utcnow() - timedelta(seconds=1)).where(held).execute()
