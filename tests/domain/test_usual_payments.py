"""Whether a payment is like the one before: every reason why it is opened first, and the setting of the owner."""

from dataclasses import replace

import pytest

from domain.common.errors import InsufficientRole
from domain.payments import amendments, doubt_answers, queries, usual_payments
from domain.payments.payment_views import Payment
from domain.payments.usual_payments import Unusual, find_unusual_about
from models import AuditEvent, Batch, Client
from tests.support.factories import LINES, Demo
from tests.support.pay_periods import executed, of_month, with_pay


def read(demo: Demo, batch: Batch) -> Payment:
    return queries.get_payment(demo.client, batch.reference)


def test_the_same_people_with_the_same_pay_are_like_the_month_before(demo: Demo):
    executed(demo, 10)
    assert find_unusual_about(read(demo, of_month(demo, 11)), 1) == []


def test_a_first_payment_is_opened_first(demo: Demo):
    assert Unusual.FIRST in find_unusual_about(read(demo, of_month(demo, 11)), 10)


@pytest.mark.parametrize(("cents", "found"), [(345_000, []), (900_000, [Unusual.PEOPLE, Unusual.TOTAL])])
def test_an_unusual_amount_is_opened_first(demo: Demo, cents: int, found: list[Unusual]):
    executed(demo, 10)
    assert find_unusual_about(read(demo, of_month(demo, 11, with_pay(cents))), 10) == found


@pytest.mark.parametrize(("span", "found"), [(1, [Unusual.TOTAL]), (2, [])])
def test_the_total_may_differ_as_much_as_was_set_and_no_cent_more(demo: Demo, span: int, found: list[Unusual]):
    executed(demo, 10, [("Jong, Wouter de", LINES[0][1], 100_000)])
    payment = read(demo, of_month(demo, 11, [("Jong, Wouter de", LINES[0][1], 102_000)]))
    assert find_unusual_about(payment, span) == found
    assert find_unusual_about(replace(payment, total_cents=102_001), 2) == [Unusual.TOTAL]
    assert find_unusual_about(replace(payment, total_cents=97_999), 2) == [Unusual.TOTAL]


def test_a_doubted_line_is_opened_first(demo: Demo):
    executed(demo, 10)
    batch = of_month(demo, 11)
    assert find_unusual_about(replace(read(demo, batch), is_doubted=True), 10) == [Unusual.DOUBTS]
    line = read(demo, batch).lines[0].id
    doubt_answers.ask_doubt(demo.membership, batch.reference, line, "Klopt dit?")
    assert Unusual.DOUBTS in find_unusual_about(read(demo, batch), 10)
    doubt_answers.answer_doubt(demo.membership, batch.reference, line, "right", "")
    assert find_unusual_about(read(demo, batch), 10) == []


@pytest.mark.asks_payees
def test_a_changed_account_is_opened_first(demo: Demo):
    executed(demo, 10)
    moved = [(LINES[0][0], "NL86BUNQ2034567891", LINES[0][2]), *LINES[1:]]
    assert Unusual.ACCOUNTS in find_unusual_about(read(demo, of_month(demo, 11, moved)), 10)


def test_an_excluded_line_is_opened_first(demo: Demo):
    executed(demo, 10)
    batch = of_month(demo, 11)
    amendments.exclude_line(demo.client, demo.user, batch.reference, read(demo, batch).lines[0].id)
    assert Unusual.LINES in find_unusual_about(read(demo, batch), 10)


def test_anything_that_must_be_read_is_opened_first(demo: Demo):
    executed(demo, 10)
    payment = read(demo, of_month(demo, 11))
    told = [{"debtor_differs": True}, {"run_missing": True}, {"newer_reference": "x"}, {"hold": 1}]
    told += [{"overpaid": [("Jong", "NL42INGB2268352412", 1)]}, {"run_cautions": [("x", [1])]}]
    for one in told:
        assert find_unusual_about(replace(payment, **one), 10) == [Unusual.WARNINGS], one
    assert find_unusual_about(replace(payment, kind="wage_tax"), 10) == [Unusual.OTHER_KIND]
    assert find_unusual_about(replace(payment, is_excess=True), 10) == [Unusual.OTHER_KIND]


# --- the setting ----------------------------------------------------------------------------------
def test_an_owner_sets_the_span_and_the_log_says_so(demo: Demo):
    assert usual_payments.set_usual_span(demo.membership, 5)
    assert not usual_payments.set_usual_span(demo.membership, 5)
    assert Client.get_by_id(demo.client.id).usual_span_percent == 5
    (event,) = AuditEvent.select().where(AuditEvent.kind == "usual_span.changed")
    assert event.details == {"percent": 5}
    with pytest.raises(ValueError, match="50"):
        usual_payments.set_usual_span(demo.membership, 50)


@pytest.mark.parametrize("role", ["approver", "preparer"])
def test_nobody_else_does(demo: Demo, role: str):
    demo.membership.role = role
    with pytest.raises(InsufficientRole):
        usual_payments.set_usual_span(demo.membership, 5)
