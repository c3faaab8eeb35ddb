"""Submission of a payment to the bank: once, as approved, without guessing. Against the sandbox's bank."""

import re

import pytest
import requests
from lxml import etree, html

from connectors.bank import port
from domain.common.encryption import encrypt
from domain.common.errors import OrderMismatch, StateConflict
from domain.common.services import services
from domain.operations import integrity, operators, order_files
from domain.orders import obstacles, order_building, sca, status_polling, submission
from domain.payments import amendments, queries
from domain.payments.release import release
from domain.payroll import intake, reopening
from models import BankAccount, BankCall, BankOrder, Batch, BatchLine, Due, PayrollRun
from tests.support.books import require_right_books
from tests.support.factories import LINES, PIN, PSU, Demo, make_device, make_file
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import closed_port


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


def _released(demo: Demo, batch: Batch | None = None, proof: str = "session", pin: str | None = None) -> Batch:
    batch = batch or demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, proof, PSU, pin, make_device(demo.user))
    return batch


def _send(batch: Batch, times: int = 2) -> Batch:
    """Submit the order, twice: every job may run twice."""
    for _ in range(times):
        submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def _follow(batch: Batch, times: int = 2) -> Batch:
    for _ in range(times):
        live = BankOrder.update(due_at=batch.created_at).where(BankOrder.batch == batch.id, BankOrder.state != "closed")
        live.execute()
        for order_id in status_polling.due_orders():
            status_polling.poll_status(order_id)
    return Batch.get_by_id(batch.id)


def _press(url: str, words: str) -> requests.Response:
    """Press a button on a page of the bank."""
    session = requests.Session()
    page = session.get(url, timeout=10)
    tree = html.fromstring(page.text, base_url=page.url)
    tree.make_links_absolute()
    form = next(f for f in tree.forms if any(words in (b.text_content() or "") for b in f.xpath(".//button")))
    button = next(b for b in form.xpath(".//button") if words in b.text_content())
    data = dict(form.form_values()) | ({button.get("name"): button.get("value", "")} if button.get("name") else {})
    return session.post(form.action or page.url, data=data, timeout=10, allow_redirects=False)


def _sign(demo: Demo, batch: Batch, words: str = "Onderteken") -> None:
    _press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", words)


def _at_the_bank(sandbox: Sandbox) -> list[dict]:
    return sandbox.control("GET", "orders")


def test_an_order_is_submitted_signed_and_executed(demo: Demo, sandbox: Sandbox):
    batch = _send(_released(demo))
    assert batch.state == "at_bank"
    assert len(_at_the_bank(sandbox)) == 1
    _sign(demo, batch)
    assert _follow(batch).state == "signed"
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert _follow(batch).state == "executed"
    assert {line.state for line in BatchLine.select()} == {"executed"}
    assert status_polling.due_orders() == []


def test_the_order_at_the_bank_equals_what_was_approved(demo: Demo, sandbox: Sandbox):
    batch = _released(demo)
    shown = demo.view(batch)
    _send(batch)
    body = _at_the_bank(sandbox)[0]["body"].encode()
    assert body == order_files.order_file(batch.reference).body
    root = etree.fromstring(body)
    names = [node.text for node in root.iter("{*}Cdtr") for node in node.iter("{*}Nm")]
    assert names == [line.creditor_name_sepa for line in shown.lines]
    assert root.findtext(".//{*}CtgyPurp/{*}Cd") == "SALA"
    assert root.findtext(".//{*}ReqdExctnDt/{*}Dt") == shown.execution_date.isoformat()


def test_an_excluded_line_is_not_sent(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    amendments.exclude_line(demo.client, demo.user, batch.reference, demo.view(batch).lines[1].id)
    _send(_released(demo, batch))
    body = _at_the_bank(sandbox)[0]["body"]
    assert "Donkersloot" not in body
    assert "<NbOfTxs>2</NbOfTxs>" in re.sub(r' xmlns="[^"]*"', "", body)


def test_a_payment_refused_at_the_bank_can_be_set_up_again(demo: Demo, sandbox: Sandbox):
    batch = _send(_released(demo))
    before = {line.end_to_end_id for line in BatchLine.select()}
    _sign(demo, batch, "Weiger")
    assert _follow(batch).state in ("rejected", "cancelled", "failed")
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert demo.view(batch).state == "open"
    assert not before & {line.end_to_end_id for line in BatchLine.select()}
    _send(_released(demo, batch))
    assert _at_the_bank(sandbox)[0]["msg_id"] == f"{batch.reference}-2"


def test_an_unreachable_bank_leaves_the_payment_approved(demo: Demo, sandbox: Sandbox):
    batch = _released(demo)
    nowhere = f"http://127.0.0.1:{closed_port()}/bank/redirect"  # an address where nothing listens
    sandbox.control("PUT", "banks/redirect", {"line": {"base_url": nowhere}})
    sent = _send(batch)
    order = BankOrder.get()
    assert (sent.state, sent.state_reason, order.state, order.submitted_at) == (
        "approved", "bank_unreachable", "prepared", None,
    )  # fmt: skip
    sandbox.control("PUT", "banks/redirect", {"line": {}})
    BankOrder.update(due_at=batch.created_at).execute()
    assert submission.due_batches() == [batch.id]
    assert _send(batch).state == "at_bank"
    at_bank = _at_the_bank(sandbox)
    assert [(o["request_id"], o["msg_id"]) for o in at_bank] == [(order.x_request_id, order.msg_id)]


def test_an_unsent_order_is_not_sent_with_old_figures(demo: Demo, sandbox: Sandbox, monkeypatch):
    """A newer version is imported while the bank is unreachable: its figures are sent next."""
    batch = _released(demo)
    (name, iban, cents), *others = LINES
    file = make_file([(name, iban, cents - 100), *others])

    def unreachable(*_args: object) -> None:
        newer = [intake.to_payable_line(line) for line in file.lines]
        assert intake.create_batch_version(PayrollRun.get(), file, newer) is None, "all of it is about to go"
        raise port.NotDelivered

    monkeypatch.setattr(services().bank, "place_order", unreachable)
    submission.submit_order(batch.id)
    monkeypatch.undo()
    assert Batch.get_by_id(batch.id).state == "approved"
    BankOrder.update(due_at=batch.created_at).execute()
    sent = _send(batch)
    assert (sent.state, sent.state_reason, _at_the_bank(sandbox)) == ("open", "run_again", [])
    assert reopening.overtaken_runs() == [batch.run_id]
    new = reopening.renew_overtaken(batch.run_id)
    assert new is not None
    assert (new.total_cents, Batch.get_by_id(batch.id).state) == (batch.total_cents - 100, "replaced")


def test_a_lost_answer_is_not_a_refusal(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_lost_answer=True)
    batch = _send(_released(demo), times=1)
    order = BankOrder.get()
    assert (batch.state, order.state) == ("sending", "submitted")
    assert order.submitted_at is not None
    with pytest.raises(Exception, match="sending"):
        amendments.exclude_line(demo.client, demo.user, batch.reference, BatchLine.get().id)
    sandbox.fault(bank_lost_answer=False)
    BankOrder.update(due_at=batch.created_at).execute()
    assert _send(batch).state == "at_bank"
    assert len({o["msg_id"] for o in _at_the_bank(sandbox)}) == 1
    assert len({o["request_id"] for o in _at_the_bank(sandbox)}) == 1


def test_an_order_that_is_not_sent_again_is_an_error_once(
    demo: Demo, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
):
    sandbox.fault(bank_lost_answer=True)
    batch = _send(_released(demo), times=1)
    sandbox.fault(bank_lost_answer=False)
    BankOrder.update(due_at=batch.created_at, attempts=submission.MAX_RESENDS).execute()
    assert _send(batch, times=1).state == "sending"
    assert submission.due_batches() == []
    (told,) = [one for one in caplog.records if one.name == "domain.orders.submission"]
    assert (told.levelname, told.getMessage()) == (
        "ERROR", f"order {BankOrder.get().id} has no answer and is not sent again: ask the bank"
    )  # fmt: skip
    assert len(_at_the_bank(sandbox)) == 1


def test_a_refused_retry_is_no_refusal_of_the_first_call(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_lost_answer=True)
    batch = _send(_released(demo), times=1)
    sandbox.fault(bank_lost_answer=False, bank_order_refused=True, bank_forgets_request_id=True)
    BankOrder.update(due_at=batch.created_at).execute()
    assert _send(batch, times=1).state == "sending"
    assert BankOrder.get().state == "submitted"
    outcomes = [row.outcome for row in BankCall.select().order_by(BankCall.id)]
    assert outcomes[-1].startswith("unknown:refused:"), outcomes


def test_an_order_without_an_answer_is_resolved_by_two_people(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_lost_answer=True)
    batch = _send(_released(demo), times=1)
    operators.resolve_order(batch.reference, "not_taken", "asked the bank", "anna")
    assert Batch.get_by_id(batch.id).state == "sending"
    operators.resolve_order(batch.reference, "not_taken", "asked again", " Anna ")
    assert Batch.get_by_id(batch.id).state == "sending"
    operators.resolve_order(batch.reference, "not_taken", "asked the bank too", "bram")
    assert Batch.get_by_id(batch.id).state == "rejected"
    with pytest.raises(StateConflict):
        operators.resolve_order(batch.reference, "taken", "late", "anna")


@pytest.mark.parametrize(("verdict", "state"), [("paid", "executed"), ("unpaid", "rejected")])
def test_two_operators_settle_an_order_of_a_silent_bank(
    demo: Demo, sandbox: Sandbox, verdict: str, state: str
):
    batch = _send(_released(demo), times=1)
    assert batch.state == "at_bank"
    operators.resolve_order(batch.reference, verdict, "the bank told so by telephone", "anna")
    assert Batch.get_by_id(batch.id).state == "at_bank"
    operators.resolve_order(batch.reference, verdict, "the bank confirmed it by letter", "bram")
    assert Batch.get_by_id(batch.id).state == state


def test_an_order_under_delegated_signing_is_signed_at_once(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    batch = _send(_released(demo, proof="pin", pin=PIN))
    assert batch.state == "signed"
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert _follow(batch).state == "executed"


def test_a_changed_way_of_signing_opens_the_payment_again(demo: Demo, sandbox: Sandbox):
    """Released by session, but the bank now delegates signing to the app: nothing is sent."""
    batch = _released(demo)
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    sent = _send(batch)
    assert (sent.state, sent.state_reason) == ("open", "proof_changed")
    assert _at_the_bank(sandbox) == []


def test_a_date_past_its_cut_off_is_never_moved(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
):
    batch = _released(demo)
    monkeypatch.setattr(obstacles.execution_dates, "unavailable_reason", lambda day, cut_off, now=None: "cut_off")
    sent = _send(batch)
    assert (sent.state, sent.state_reason, sent.execution_date) == ("open", "cut_off", None)
    assert _at_the_bank(sandbox) == []


def test_an_order_that_waited_past_its_date_is_opened_again(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
):
    batch = _released(demo)
    nowhere = f"http://127.0.0.1:{closed_port()}/bank/redirect"
    sandbox.control("PUT", "banks/redirect", {"line": {"base_url": nowhere}})
    assert _send(batch).state == "approved"
    sandbox.control("PUT", "banks/redirect", {"line": {}})
    monkeypatch.setattr(obstacles.execution_dates, "unavailable_reason", lambda day, cut_off, now=None: "past")
    BankOrder.update(due_at=batch.created_at).execute()
    sent = _send(batch)
    assert (sent.state, sent.state_reason, BankOrder.get().state) == ("open", "past", "closed")
    assert _at_the_bank(sandbox) == []


@pytest.mark.planted
def test_changed_bytes_are_not_sent(demo: Demo, sandbox: Sandbox):
    batch = _released(demo)
    order = order_building.build_order(queries.get_batch(demo.client, batch.reference))
    assert order is not None
    broken = encrypt(b"<Document/>", "bank_order", order.msg_id)
    BankOrder.update(body_encrypted=broken).where(BankOrder.id == order.id).execute()
    with pytest.raises(OrderMismatch):
        submission.submit_order(batch.id)
    assert _at_the_bank(sandbox) == []


def test_every_answer_of_the_bank_is_recorded(demo: Demo):
    batch = _send(_released(demo))
    _follow(batch)
    kept = [(row.operation, row.outcome, row.bank_status) for row in BankCall.select()]
    assert kept[0][:2] == ("place", "placed")
    assert all(status for _, _, status in kept)
    assert BankAccount.get_by_id(demo.account.id).balance_cents == 84_210_55


@pytest.mark.planted
def test_two_lines_of_one_order_hide_no_overpayment(demo: Demo):
    """What an order was given beyond the due is a fault; only the word of a bank about an earlier order explains it."""
    split = [("Jong, Wouter de", LINES[0][1], 100_00), ("Jong, Wouter de", LINES[1][1], 50_00)]
    batch = _released(demo, demo.batch(split))
    assert _send(batch).state == "at_bank"
    (due,) = Due.select()
    assert due.owed_cents == 150_00
    Due.update(owed_cents=149_00).where(Due.id == due.id).execute()
    assert f"run {batch.run_id}: due {due.id} is of 14900 cents, and banks may pay 15000 of it" in list(
        integrity.find_inconsistencies()
    )
