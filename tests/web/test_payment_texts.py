"""Texts of a payment: every state has them, and the three steps never claim more than is true."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from blueprints.payments.presenters import lines as line_words
from blueprints.payments.presenters import status as words
from blueprints.payments.presenters import warnings as unusual_words
from core.clock import utcnow
from domain.banking.bank_accounts import AccountView
from domain.payments.payment_views import LineView, Payment
from domain.payments.state_machine import NEEDS_ACTION, SETTLED, TRANSITIONS
from models.states import BatchState, LineState
from models.verdicts import LATER, NEVER

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
ACCOUNT = AccountView(1, "NL95INGB0004921836", "ING", "Demo BV", "ING", 10**9, AT, 10**9, 10**9)


@pytest.fixture(autouse=True)
def in_dutch(app: Flask, database: str):
    with app.test_request_context():
        yield


def payment(state: str, reason: str | None = None, **changes) -> Payment:
    line = LineView(1, 1, "Jong, Wouter de", "NL42INGB2268352412", "Salaris", 100, "open", "Jong, Wouter de", "Salaris")
    values = {
        "id": 1, "reference": "r", "client_name": "Demo BV", "company_name": "Demo BV", "description": "april",
        "state": state, "state_reason": reason, "state_changed_at": utcnow(), "created_at": AT,
        "released_at": None if state == "open" else AT, "account": ACCOUNT, "execution_date": date(2036, 11, 24),
        "date_fixed": True, "total_cents": 100, "lines": [line], "lines_all": 1, "lines_payable": 1, "digest": "d",
        "debtor_differs": False,
        "signing": "redirect", "order": None,
    }  # fmt: skip
    return Payment(**{**values, **changes})


def told(state: str, **changes) -> list[str]:
    return [how for _label, how, _when in words.progress_steps(payment(state, **changes))]


def test_every_state_has_a_text():
    assert set(words.STATES) == set(BatchState)
    assert set(line_words.LINES) == set(LineState) - {"open", "sent", "excluded"}  # which says why it is left out
    assert set(line_words.VERDICTS) == set(line_words.OTHER_VERDICTS) == {LATER, NEVER}


def test_every_state_is_in_one_group_of_the_list():
    assert not NEEDS_ACTION & set(words.UNDER_WAY)
    assert set(BatchState) - NEEDS_ACTION - set(words.UNDER_WAY) <= SETTLED


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        ("open", ["now", "", ""]), ("approved", ["done", "now", ""]), ("sending", ["done", "now", ""]),
        ("name_check", ["done", "now", ""]), ("at_bank", ["done", "now", ""]), ("signed", ["done", "done", "now"]),
        ("executed", ["done", "done", "done"]), ("partly_executed", ["done", "done", "done"]),
        ("failed", ["done", "bad", ""]), ("rejected", ["done", "", "bad"]), ("cancelled", ["done", "", "bad"]),
        ("pending_rejection", ["done", "", "bad"]), ("disputed", ["done", "", "bad"]),
        ("returned", ["done", "done", "bad"]), ("discarded", ["", "", ""]), ("replaced", ["", "", ""]),
    ],
)  # fmt: skip
def test_the_three_steps(state: str, facts: list[str]):
    assert told(state) == facts


@pytest.mark.parametrize("state", BatchState)
def test_a_step_is_in_the_past_tense_only_once_done(state: str):
    past = {"Goedgekeurd", "Ondertekend", "Uitgevoerd", "Deels uitgevoerd"}
    for label, how, _when in words.progress_steps(payment(state)):
        assert (label in past) == (how == "done")


def test_a_signed_payment_shows_its_execution_date():
    label, tone = words.state_label(payment("signed"))
    assert (label.replace(words.NBSP, " "), tone) == ("Ondertekend: uitvoering op 24 november", "good")


@pytest.mark.parametrize("state", ["rejected", "failed", "cancelled"])
@pytest.mark.parametrize("reason", [None, "AM04", "bank:AM04", "bank:NEVER_HEARD", "XX99"])
def test_ended_payments_say_that_nothing_was_paid(state: str, reason: str | None):
    text = words.reason(payment(state, reason))
    assert text.endswith("Er is niets betaald. Je kunt de betaling opnieuw klaarzetten.")
    assert "AM04" not in text and "XX99" not in text and "NEVER" not in text
    assert ("niet genoeg geld" in text) == (reason is not None and "AM04" in reason)


def test_an_unknown_outcome_warns_against_paying_twice():
    fresh, late = payment("sending"), payment("sending", state_changed_at=utcnow() - timedelta(minutes=2))
    assert words.reason(fresh) == ""
    assert "niet op een andere manier" in words.reason(late)
    assert "niets betaald." not in words.reason(late)


def test_an_automatic_date_is_as_soon_as_possible():
    today = payment("open").execution_date
    assert words.relative_date(payment("open", date_fixed=False)) == "zo snel mogelijk"
    assert words.relative_date(payment("open", execution_date=today)).startswith("over ")


def test_a_past_date_is_shown():
    titles = [one.title for one in unusual_words.find_notices(payment("open", execution_date=date(2020, 11, 24)))]
    assert titles == ["De gekozen dag is voorbij"]


def test_final_payments_have_no_notices():
    for state in {state for state, _event in TRANSITIONS} - {"open", "approved"}:
        assert unusual_words.find_notices(payment(state, debtor_differs=True)) == []


def test_a_line_repeats_no_status_of_the_payment():
    line = payment("open").lines[0]
    executed = LineView(**{**vars(line), "state": "executed"})
    assert line_words.line_status(executed, payment("executed")) == ("", "")
    assert line_words.line_status(executed, payment("partly_executed")) == ("Betaald", "good")
