"""*Opnieuw klaarzetten* after a recalculation pays what is owed now, never the old figures.

Through the pages over HTTP and the worker's jobs, with Nmbrs and the bank in the sandbox.
"""

from datetime import timedelta
from itertools import count

import pytest

from core.clock import utcnow
from domain.orders import sca, submission
from domain.payments import commitments
from domain.payroll import reopening
from models import BankOrder, Batch, BatchLine, Due, OrderLine, PayrollRun
from tests.support.bank import press
from tests.support.factories import PSU, Demo
from tests.support.intake import lines, state, work
from tests.support.orders import set_line
from tests.support.sandbox import Sandbox
from tests.support.signing import followed
from tests.support.web_client import WebClient
from tests.web.test_approval import pay, shown_to
from tests.web.test_payment_page import at

WOUTER, NAOMI, LISANNE = "NL42INGB2268352412", "NL52ABNA7650143244", "NL57ABNA7134384551"
NEW = "NL64TRIO0379501686"  # the account that Wouter changes to
_seconds = count(1)


@pytest.fixture
def run(sandbox: Sandbox) -> dict:
    """A run that pays Wouter 3.448,08, Naomi 2.611,00 and Lisanne 2.500,08."""
    return sandbox.run_payroll(lines=3, description="april", webhook="none")


def run_again(demo: Demo, sandbox: Sandbox, run: dict, people: int = 3, **employees: dict) -> list[Batch]:
    """Change these employees ("e1": …), recalculate the run, and import it."""
    for key, told in employees.items():
        sandbox.control("PUT", f"nmbrs/employees/{503300 + int(key[1:])}", told)
    at_second = (utcnow() + timedelta(seconds=next(_seconds))).isoformat()
    asked = {"action": "again", "webhook": "none", "run_at": at_second, "lines": people}
    sandbox.control("POST", f"nmbrs/runs/{run['run']}", asked)
    return work(demo)


def sent(owner: WebClient, demo: Demo, batch: Batch) -> Batch:
    """Approve the payment on its page and submit it."""
    page = owner.open(at(demo, batch))
    seen = [node.get("value") for node in page.all("input[name=seen]")]
    for caution in demo.view(batch).cautions:
        seen.append(f"{caution.kind}:{caution.about}")
    if seen:
        owner.post(at(demo, batch, "/waarschuwingen"), seen=seen)
    assert pay(owner, demo, batch).status_code == 303
    submission.submit_order(batch.id)
    assert state(batch)[0] == "at_bank"
    return batch


def decided(demo: Demo, batch: Batch, choice: str) -> Batch:
    """Press a button on the bank's page: "ondertekenen" or "weiger"."""
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", choice)
    return followed(batch)


def reopened(owner: WebClient, demo: Demo, batch: Batch) -> Batch:
    """Press *Opnieuw klaarzetten*; return the payment that it leads to."""
    answer = owner.post(at(demo, batch, "/opnieuw"))
    assert answer.status_code == 303
    return Batch.get(Batch.reference == answer.location.split("/")[3])


def amounts(batch: Batch) -> dict[str, int]:
    return {iban: cents for iban, cents, what in lines(batch) if what != "excluded"}


def test_the_figures_of_the_newest_run_are_paid_when_the_first_order_is_refused(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    sent(owner, demo, first)
    # meanwhile: more for Wouter, to another account, and less for Naomi
    (second,) = run_again(demo, sandbox, run, e1={"cents": 350_000, "iban": NEW}, e2={"cents": 200_000})
    assert amounts(second) == {NEW: 350_000 - 344_808}
    assert decided(demo, first, "weiger").state in ("rejected", "failed")
    new = reopened(owner, demo, first)
    assert new.id not in (first.id, second.id)
    assert amounts(new) == {NEW: 350_000, NAOMI: 200_000, LISANNE: 250_008}
    assert (state(first), state(second)) == (("replaced", "set_up_anew"), ("replaced", "set_up_anew"))
    page = owner.open(at(demo, new))
    assert "De salarisrun is opnieuw gedraaid." in page.text
    assert page.says("#pay-place button") == "Betaal € 8.000,08"
    told = owner.open(at(demo, first)).text
    assert "Er staat een nieuwe betaling klaar" in told
    sent(owner, demo, new)
    assert sorted(order["msg_id"] for order in sandbox.control("GET", "orders")) == sorted(
        [first.reference, new.reference]
    )


def test_a_version_without_payable_lines_is_payable_after_a_refusal(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    sent(owner, demo, first)
    assert run_again(demo, sandbox, run, e1={"iban": NEW}) == []
    assert (PayrollRun.get().reason, PayrollRun.get().overpaid) == ("nothing_more", None)
    decided(demo, first, "weiger")
    assert amounts(reopened(owner, demo, first)) == {NEW: 344_808, NAOMI: 261_100, LISANNE: 250_008}


def test_without_a_newer_version_the_same_payment_is_opened_again(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    sent(owner, demo, first)
    decided(demo, first, "weiger")
    assert reopened(owner, demo, first).id == first.id
    assert (state(first)[0], amounts(first)) == ("open", {WOUTER: 344_808, NAOMI: 261_100, LISANNE: 250_008})


def test_beside_a_waiting_payment_the_same_payment_is_opened_again(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    """The newer version only adds to it, in a payment that stays as it is."""
    (first,) = work(demo)
    sent(owner, demo, first)
    (second,) = run_again(demo, sandbox, run, people=4)
    decided(demo, first, "weiger")
    assert reopened(owner, demo, first).id == first.id
    assert (state(first)[0], state(second)[0]) == ("open", "open")


def test_a_reopening_with_nothing_owed_is_explained(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (first,) = work(demo)
    sent(owner, demo, first)
    sandbox.control("POST", f"nmbrs/runs/{run['run']}", {"action": "remove"})
    work(demo)
    PayrollRun.update(unlisted_since=utcnow() - timedelta(minutes=1)).execute()
    work(demo)
    assert PayrollRun.get().state == "deleted"
    decided(demo, first, "weiger")
    assert reopened(owner, demo, first).id == first.id
    assert state(first) == ("replaced", "vanished")
    assert "De salarisrun staat niet meer in Nmbrs." in owner.open(at(demo, first)).text


def test_an_excluded_line_stays_excluded_and_can_be_included(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    excluded = demo.view(first).lines[2]
    owner.post(at(demo, first, f"/regels/{excluded.id}?verdict=refuse"))
    sent(owner, demo, first)
    (second,) = run_again(demo, sandbox, run, e1={"cents": 350_000})
    assert amounts(second) == {WOUTER: 5_192}
    decided(demo, first, "weiger")
    new = reopened(owner, demo, first)
    assert lines(new) == [(WOUTER, 350_000, "open"), (NAOMI, 261_100, "open"), (LISANNE, 250_008, "excluded")]
    owner.post(at(demo, new, "/alles"))
    assert owner.open(at(demo, new)).says("#pay-place button") == "Betaal € 8.611,08"


def test_a_changed_account_after_payment_is_not_paid_again(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    sent(owner, demo, first)
    decided(demo, first, "ondertekenen")
    sandbox.control("POST", "clock", {"advance_days": 14})
    assert followed(first).state == "executed"
    assert run_again(demo, sandbox, run, e1={"iban": NEW}) == []
    assert Batch.select().count() == 1
    (more,) = run_again(demo, sandbox, run, e1={"cents": 350_000})
    assert amounts(more) == {NEW: 350_000 - 344_808}
    assert "Al betaald: € 3.448,08. Nu in totaal: € 3.500,00." in owner.open(at(demo, more)).text


def test_a_renamed_person_is_not_paid_again(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    sent(owner, demo, first)
    assert run_again(demo, sandbox, run, e2={"payment_name": "Donkersloot, N."}) == []
    assert Due.select().where(Due.run == PayrollRun.get().id).count() == 3


def test_a_rejected_line_is_paid_in_the_next_version(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    """A rejection by the bank does not exclude a line."""
    (first,) = work(demo)
    sent(owner, demo, first)
    for iban, standing in ((WOUTER, "paid"), (NAOMI, "unpaid"), (LISANNE, "paid")):
        set_line(first, iban, standing)
    Batch.update(state="partly_executed").where(Batch.id == first.id).execute()
    (second,) = run_again(demo, sandbox, run, e1={"cents": 350_000})
    assert amounts(second) == {WOUTER: 5_192, NAOMI: 261_100}


def test_a_payment_that_would_overpay_is_not_released(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    """A payment with old figures that is open again is refused, and replaced by what is owed."""
    (first,) = work(demo)
    sent(owner, demo, first)
    assert run_again(demo, sandbox, run, e1={"cents": 300_000}) == []
    # its order never reached the bank, and the payment is open again with its old figures
    BankOrder.update(state="closed", due_at=None).where(BankOrder.batch == first.id).execute()
    OrderLine.update(standing="unpaid").execute()
    Batch.update(state="open").where(Batch.id == first.id).execute()
    BatchLine.update(state="open").where(BatchLine.batch == first.id).execute()
    answer = pay(owner, demo, first, htmx=True)
    assert "een deel van deze betaling is al betaald of vervallen" in answer.text
    assert state(first)[0] == "open"
    assert reopening.overtaken_runs() == [first.run_id]
    new = reopening.renew_overtaken(first.run_id)
    assert new is not None
    assert amounts(new) == {WOUTER: 300_000, NAOMI: 261_100, LISANNE: 250_008}
    assert (state(first), reopening.overtaken_runs()) == (("replaced", "set_up_anew"), [])


def test_the_dues_and_commitments_of_a_run(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (first,) = work(demo)
    sent(owner, demo, first)
    owed = {row.name: row.owed_cents for row in Due.select()}
    assert sum(owed.values()) == first.total_cents
    assert {line.due_id for line in commitments.committed_lines(first.run_id)} == {row.id for row in Due.select()}
    assert shown_to(owner, demo, first)
