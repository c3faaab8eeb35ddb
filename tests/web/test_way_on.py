"""Whatever is owed and not paid has a reason on screen and a way on, in every state of a payment, line and run.

Every combination is a run of one person, all of one client; the pages are read once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product

import pytest

from core.clock import today_amsterdam, utcnow
from models import STANDINGS, BankOrder, Batch, BatchLine, Due, OrderLine, PayrollRun
from models.states import BatchState
from tests.support.factories import Demo
from tests.support.large_batches import iban
from tests.support.orders import put_at_bank
from tests.support.web_client import Page, WebClient

WAITS, LIVE = ("open", "approved"), ("sending", "name_check", "at_bank", "signed", "pending_rejection", "disputed")
RUNS = ("imported", "missing", "deleted", "invalid", "retrying")
_LINE = {"unsent": "open", "possible": "sent", "paid": "executed", "unpaid": "rejected", "returned": "returned",
         "disputed": "disputed"}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`until`: a refusal that the bank may still execute."""

    number: int
    batch: str
    standing: str
    until: bool
    run: str

    @property
    def name(self) -> str:
        return f"Persoon{self.number:03d}"

    @property
    def possible(self) -> bool:
        """A payment is executed only when each of its lines is paid."""
        return (self.batch == "executed") <= (self.standing == "paid")

    @property
    def listed(self) -> bool:
        """Whether it has to be on Niet betaald: it is owed, or its bank is in doubt, and no payment waits with it."""
        if self.standing in ("disputed", "possible"):
            return self.standing == "disputed" or self.until or self.batch not in LIVE
        about_to_go = self.standing == "unsent" and self.batch in LIVE
        return self.standing != "paid" and not about_to_go and self.batch not in WAITS


def cases() -> Iterator[Case]:
    found = product(BatchState, (*((one, False) for one in STANDINGS), ("possible", True)), RUNS)
    for number, (batch, (standing, until), run) in enumerate(found, 1):
        if (case := Case(number, batch, standing, until, run)).possible:
            yield case


def make(demo: Demo, case: Case) -> str:
    """Create the payment of this case; its reference."""
    batch = demo.batch([(case.name, iban(case.number), 100_000 + case.number)], case.number)
    order = put_at_bank(batch, "at_bank", case.standing)
    OrderLine.update(may_execute_until=today_amsterdam() if case.until else None).where(
        OrderLine.order == order.id
    ).execute()
    over = case.batch not in LIVE and case.standing != "paid"
    BankOrder.update(state="closed" if over else "signed").where(BankOrder.id == order.id).execute()
    state = {"open": "open", "approved": "open", "replaced": "superseded", "discarded": "excluded"}.get(case.batch)
    BatchLine.update(state=state or _LINE[case.standing]).where(BatchLine.batch == batch.id).execute()
    Batch.update(state=case.batch).where(Batch.id == batch.id).execute()
    stopped = {"unlisted_since": utcnow() - timedelta(seconds=1)} if case.run == "missing" else {"state": case.run}
    PayrollRun.update(description=f"run {case.number}", **stopped).where(PayrollRun.id == batch.run_id).execute()
    if case.run not in ("imported", "missing"):
        Due.update(suspended_at=utcnow()).where(Due.run == batch.run_id).execute()
    return batch.reference


@dataclass
class Card:
    """What the page tells about one run."""

    section: str
    reasons: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)


def read(page: Page) -> dict[str, Card]:
    """Return the cards by run: each reason and each way on, as a person reads them."""
    found = {}
    for section in page.all("main > section.stack"):
        title = section.cssselect(".head h2")[0].text_content().strip()
        lead = [node.text_content().strip() for node in section.xpath("./p")]
        for card in section.cssselect(".card"):
            texts = [node.text_content().strip() for node in card.cssselect(".pad > p.muted")]
            rows = card.cssselect("li.line")
            reasons = [node.text_content().strip() for row in rows for node in row.cssselect(".who > span")[1:2]]
            assert len(reasons) == len(rows), "each line says why"
            ways = [node.text_content().strip() for node in card.cssselect("button, .pad a")]
            name = card.cssselect("b")[0].text_content().partition(", ")[2]
            assert name not in found, "each run stands in one place"
            found[name] = Card(title, [*reasons, *texts], [*ways, *lead, *texts])
    return found


@pytest.fixture
def made(demo: Demo) -> dict[Case, str]:
    return {case: make(demo, case) for case in cases()}


def test_all_that_is_owed_has_a_reason_and_a_way_on(owner: WebClient, demo: Demo, made: dict[Case, str]):
    here = f"/{demo.client.public_id}/betalingen"
    cards = read(owner.open(f"{here}/niet-betaald"))
    wrong = []
    for case in made:
        card = cards.get(f"run {case.number}")
        if bool(card) != case.listed:
            wrong.append(f"{case}: {'not listed' if case.listed else f'listed under {card}'}")
        elif card and not (all(card.reasons) and card.reasons and any(card.ways)):
            wrong.append(f"{case}: no reason or no way on: {card}")
    assert wrong == [], "\n".join(wrong)
    waiting = {case: reference for case, reference in made.items() if not case.listed and case.standing != "paid"}
    listed = owner.open(f"{here}?toon=1000")
    assert {case for case, reference in waiting.items() if not listed.all(f"a[href$='{reference}']")} == set()
    seen = {(case.batch, case.standing, case.run): reference for case, reference in waiting.items()}
    assert {case.batch for case in waiting} == {*WAITS, *LIVE}
    for which, reference in seen.items():
        page = owner.open(f"{here}/{reference}")
        assert page.says("#hero .badge"), which
        assert page.says("#pay-place") or page.all(".note") or page.all(".steps"), which
