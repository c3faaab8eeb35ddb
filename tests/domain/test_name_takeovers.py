"""The bank's name for an account is taken over before the payment: this order bears it, later ones do, and the books
agree.
"""

import pytest
from peewee import DatabaseError

from domain.common.errors import BatchChanged, NotFound, NotOpen
from domain.operations import integrity
from domain.orders import submission
from domain.payments.name_takeovers import take_over_name
from domain.payments.release import release
from models import (
    AcceptedCreditorName,
    Approval,
    AuditEvent,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    Membership,
    Release,
    transaction,
)
from tests.support.early_names import check_due, with_name_service
from tests.support.factories import PSU, Demo, authorise, make_demo, make_user
from tests.support.sandbox import Sandbox

JOSE = "NL27RABO0315273237"
LINES = (("Silva, J.", JOSE, 1_000_00), ("Silva, J.", JOSE, 50_00), ("Onbekend, Piet", "NL57ABNA7134384551", 2_000_00))


@pytest.fixture
def checked(demo: Demo, sandbox: Sandbox) -> Batch:
    """A payment of which the names were checked."""
    with_name_service(sandbox)
    batch = demo.batch(LINES)
    check_due()
    return batch


def line(batch: Batch, position: int = 1) -> BatchLine:
    return BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == position)


def take(demo: Demo, batch: Batch, position: int = 1, seen: str = "Silva, Jose") -> None:
    take_over_name(demo.client, demo.user, batch.reference, line(batch, position).id, seen)


def lines_of(batch: Batch) -> list[BatchLine]:
    return list(BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position))


def names_sent(batch: Batch) -> list[str]:
    return [one.creditor_name_sepa for one in lines_of(batch)]


def approve(demo: Demo, batch: Batch, shown: str | None = None) -> Release | Approval:
    return release(demo.membership, batch.reference, shown or demo.view(batch).digest, "session", PSU)


def test_the_order_bears_the_name_of_the_bank(demo: Demo, sandbox: Sandbox, checked: Batch):
    take(demo, checked)
    assert names_sent(checked) == ["Silva, Jose", "Silva, Jose", "Onbekend, Piet"]  # both lines of that name
    assert [one.creditor_name for one in lines_of(checked)][:2] == ["Silva, J."] * 2  # what payroll wrote stays
    approve(demo, checked)
    submission.submit_order(checked.id)
    (sent,) = sandbox.control("GET", "orders")
    assert "Silva, Jose" in sent["body"] and "Silva, J." not in sent["body"].replace("Silva, Jose", "")
    event = AuditEvent.get(AuditEvent.kind == "name.accepted")
    assert (event.details["line"], event.actor) == (line(checked).id, f"user:{demo.user.id}")
    assert list(integrity.find_inconsistencies()) == []


def test_it_is_part_of_what_is_approved(demo: Demo, checked: Batch):
    shown = demo.view(checked).digest
    take(demo, checked)
    assert demo.view(checked).digest != shown
    with pytest.raises(BatchChanged):
        approve(demo, checked, shown)


def test_what_was_approved_is_void_and_approved_again(demo: Demo, checked: Batch):
    approve(demo, checked)
    assert Batch.get_by_id(checked.id).state == "approved"
    take(demo, checked)
    assert Batch.get_by_id(checked.id).state == "open"
    assert Release.select().where(Release.voided_at.is_null()).count() == 0
    approve(demo, checked)
    assert list(integrity.find_inconsistencies()) == []


def test_a_first_of_two_approvals_is_void_too(demo: Demo, checked: Batch):
    Client.update(dual_approval_from_cents=0).where(Client.id == demo.client.id).execute()
    other = make_user(name="Naomi Meijer")
    authorise(demo.client, other)
    Membership.create(user=other, client=demo.client, role="owner")
    assert isinstance(approve(demo, checked), Approval)
    take(demo, checked)
    assert Approval.select().where(Approval.voided_at.is_null()).count() == 0
    assert Batch.get_by_id(checked.id).last_edited_by_id == demo.user.id


def test_later_payments_bear_it_until_payroll_writes_another_name(demo: Demo, sandbox: Sandbox, checked: Batch):
    take(demo, checked)
    asked = len(sandbox.control("GET", "names"))
    second = demo.batch(LINES, 2)
    assert names_sent(second)[0] == "Silva, Jose"
    check_due()
    assert len(sandbox.control("GET", "names")) == asked  # neither is asked again
    assert [one.differs for one in demo.view(second).early_names] == [False, False, True]
    third = demo.batch([("Silva, Maria", JOSE, 1_000_00)], 3)
    assert names_sent(third) == ["Silva, Maria"]


# --- what is refused ------------------------------------------------------------------------------
def test_only_a_name_that_was_given_and_seen_is_taken_over(demo: Demo, checked: Batch):
    for position, seen, refusal in ((3, "", NotFound), (3, "Onbekend, Piet", NotFound), (1, "Mallory", BatchChanged)):
        with pytest.raises(refusal):
            take(demo, checked, position, seen)
    other = demo.batch([("Bakker, Jan", "NL68TRIO0788875661", 1_00)], 2)
    with pytest.raises(NotFound):
        take_over_name(demo.client, demo.user, other.reference, line(checked).id, "Silva, Jose")
    assert AcceptedCreditorName.select().count() == 0
    assert names_sent(checked) == ["Silva, J.", "Silva, J.", "Onbekend, Piet"]


def test_it_is_taken_over_once(demo: Demo, checked: Batch):
    take(demo, checked)
    with pytest.raises(BatchChanged):
        take(demo, checked)


def test_a_payment_that_is_on_its_way_keeps_its_names(demo: Demo, checked: Batch):
    approve(demo, checked)
    submission.submit_order(checked.id)
    with pytest.raises(NotOpen):
        take(demo, checked)
    assert names_sent(checked)[0] == "Silva, J."


# --- in the database ------------------------------------------------------------------------------
def _write(batch: Batch, name: str) -> None:
    BatchLine.update(creditor_name_sepa=name).where(BatchLine.id == line(batch).id).execute()


def test_a_name_that_nobody_accepted_is_refused_by_the_database(demo: Demo, checked: Batch):
    with pytest.raises(DatabaseError, match="another name needs"):
        _write(checked, "Silva, Jose")


def test_an_id_that_an_order_bore_never_gets_another_name(demo: Demo, checked: Batch):
    """Not even an accepted one: the bank may know the id with the name before."""
    approve(demo, checked)
    submission.submit_order(checked.id)
    with transaction(demo.client.id):
        AcceptedCreditorName.create(
            client=demo.client.id, iban=JOSE, payroll_name="Silva, J.", vop_name="Silva, Jose", user=demo.user
        )
    with pytest.raises(DatabaseError, match="another name needs"):
        _write(checked, "Silva, Jose")
    assert BankOrder.select().count() == 1


def test_an_accepted_name_of_another_account_or_client_does_not_count(demo: Demo, checked: Batch):
    other = make_demo()
    piet = "NL57ABNA7134384551"
    for client, account, written in (
        (other.client, JOSE, "Silva, J."), (demo.client, piet, "Silva, J."), (demo.client, JOSE, "Silva, Jan")
    ):  # fmt: skip
        with transaction(client.id):
            AcceptedCreditorName.delete().where(AcceptedCreditorName.client == client.id).execute()
            AcceptedCreditorName.create(
                client=client.id, iban=account, payroll_name=written, vop_name="Silva, Jose", user=demo.user
            )
        with pytest.raises(DatabaseError, match="another name needs"):
            _write(checked, "Silva, Jose")
