"""A file of the bank handed in by a person: it moves this payment as an answer would, and any other file nothing."""

import pytest

from core.money import format_iso
from domain.common.errors import BankFileRefused, NotFound
from domain.operations import integrity
from domain.orders import submission
from domain.payments.release import release
from domain.reconciliation import bank_reports
from models import BankExchange, BankOrder, Batch, BatchLine
from tests.connectors.test_camt053 import entry, statement
from tests.connectors.test_pain002 import block, line, report
from tests.support.factories import PSU, Demo, make_client, make_user
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []


@pytest.fixture
def sent(demo: Demo, sandbox: Sandbox) -> Batch:
    """At the bank, which asks for a signature."""
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    found = Batch.get_by_id(batch.id)
    assert found.state == "at_bank"
    return found


@pytest.fixture
def silent(demo: Demo, sandbox: Sandbox) -> Batch:
    """Sent, and the bank never said whether it has it."""
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    Batch.update(state="sending").where(Batch.id == batch.id).execute()
    BankOrder.update(state="sent", payment_id=None).where(BankOrder.batch == batch.id).execute()
    return Batch.get_by_id(batch.id)


def order_of(batch: Batch) -> BankOrder:
    return BankOrder.get(BankOrder.batch == batch.id)


def take(demo: Demo, batch: Batch, raw: bytes) -> str:
    return bank_reports.import_report(demo.client, demo.user, batch.reference, raw)


def lines(batch: Batch) -> list[str]:
    return [row.state for row in BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)]


def ids(batch: Batch) -> list[str]:
    rows = BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)
    return [row.end_to_end_id for row in rows]


def lump(batch: Batch, cents: int | None = None, count: int | None = None, msg_id: str = "") -> bytes:
    order = order_of(batch)
    inside = (
        f"<NtryDtls><Btch><MsgId>{msg_id or order.msg_id}</MsgId><NbOfTxs>{count or order.line_count}</NbOfTxs></Btch>"
        "</NtryDtls>"
    )
    return statement(entry(format_iso(order.total_cents if cents is None else cents), inside=inside))


# --- status reports --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "state", "line"),
    [("ACSP", "signed", "sent"), ("ACSC", "executed", "executed"), ("RJCT", "rejected", "rejected"),
     ("CANC", "cancelled", "rejected")],
)  # fmt: skip
def test_a_status_report_moves_the_payment(demo: Demo, sent: Batch, status: str, state: str, line: str):
    raw = report(f"<GrpSts>{status}</GrpSts>", message_id=order_of(sent).msg_id)
    assert take(demo, sent, raw) == state
    assert set(lines(sent)) == {line}
    kept = BankExchange.select().where(BankExchange.call == "file").get()
    assert (kept.outcome, kept.raw_status) == ("pain.002", status)


def test_a_part_that_was_refused_is_told_line_by_line(demo: Demo, sent: Batch):
    first, second, third = ids(sent)
    told = block("PART", line(first, "ACSC") + line(second, "RJCT", "AC04") + line(third, "ACSC"))
    raw = report("<GrpSts>PART</GrpSts>", told, message_id=order_of(sent).msg_id)
    assert take(demo, sent, raw) == "partly_executed"
    assert lines(sent) == ["executed", "rejected", "executed"]


def test_an_order_without_an_answer_is_answered_by_the_report(demo: Demo, silent: Batch):
    raw = report("<GrpSts>ACSC</GrpSts>", message_id=order_of(silent).msg_id)
    assert take(demo, silent, raw) == "executed"
    assert order_of(silent).state == "executed"


# --- statements ------------------------------------------------------------------------------------
def test_a_lump_with_our_message_id_executes_it(demo: Demo, sent: Batch):
    assert take(demo, sent, lump(sent)) == "executed"
    assert set(lines(sent)) == {"executed"}
    assert order_of(sent).due_at is None


def test_bookings_line_by_line_execute_it(demo: Demo, sent: Batch):
    rows = [
        entry("1.00", inside=f"<NtryDtls><TxDtls><Refs><EndToEndId>{one}</EndToEndId></Refs></TxDtls></NtryDtls>")
        for one in ids(sent)
    ]
    with pytest.raises(BankFileRefused):
        take(demo, sent, statement(*rows[:-1]))
    assert take(demo, sent, statement(*rows)) == "executed"


def test_a_payment_that_came_back_is_a_return(demo: Demo, sent: Batch):
    take(demo, sent, lump(sent))
    back = (
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{ids(sent)[1]}</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn>"
        "</RtrInf></TxDtls></NtryDtls>"
    )
    assert take(demo, sent, statement(entry("2611.00", "CRDT", inside=back))) == "partly_executed"
    assert lines(sent) == ["executed", "returned", "executed"]
    assert Batch.get_by_id(sent.id).state_reason == "bank:AC04"


# --- files that change nothing ---------------------------------------------------------------------
def test_a_file_about_something_else_changes_nothing(demo: Demo, sent: Batch):
    other = "NL64TRIO0379501686"
    order = order_of(sent)
    for raw, reason in (
        (report("<GrpSts>ACSC</GrpSts>", message_id="another"), "other_order"),
        (lump(sent).replace(b"NL95INGB0004921836", other.encode()), "other_account"),
        (lump(sent, msg_id="another"), "nothing_new"),
        (lump(sent, cents=order.total_cents - 1), "differs"),
        (lump(sent, count=order.line_count + 1), "differs"),
        (statement(), "nothing_new"),
        (b"<html>", "unreadable"),
        (b"", "unreadable"),
        (report("<GrpSts>ABCD</GrpSts>", message_id=order.msg_id), "unreadable"),
        (report("<GrpSts>RCVD</GrpSts>", message_id=order.msg_id), "nothing_new"),
    ):
        with pytest.raises(BankFileRefused) as told:
            take(demo, sent, raw)
        assert told.value.reason == reason
    assert (Batch.get_by_id(sent.id).state, set(lines(sent))) == ("at_bank", {"sent"})
    assert BankExchange.select().where(BankExchange.call == "file").count() == 0


def test_the_same_file_twice_says_that_it_is_nothing_new(demo: Demo, sent: Batch):
    raw = lump(sent)
    take(demo, sent, raw)
    with pytest.raises(BankFileRefused):
        take(demo, sent, raw)


def test_a_payment_that_was_never_sent_has_no_files(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    with pytest.raises(BankFileRefused):
        take(demo, batch, report("<GrpSts>ACSC</GrpSts>"))


def test_another_client_has_no_such_payment(demo: Demo, sent: Batch):
    other = make_client(make_user())
    with pytest.raises(NotFound):
        bank_reports.import_report(other.client, other.user, sent.reference, lump(sent))
