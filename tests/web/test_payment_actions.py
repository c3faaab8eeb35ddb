"""The possible actions on a payment, and when its page stops polling; decided without a page."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from blueprints.payments.actions import Action, is_polled, next_action
from blueprints.payments.presenters.action import NOTES, action_label, action_note
from domain.orders.manual_submission import Download, ManualSubmission
from domain.orders.sca_state import ScaStep
from domain.payments.four_eyes import DualApprovalStatus
from domain.payments.state_machine import SETTLED
from domain.payments.warnings import PaymentWarning
from models.states import BatchState
from tests.web.test_payment_texts import AT, payment

WARNING = PaymentWarning("picked", "", False)
READ = replace(WARNING, opened=True)
NOBODY = DualApprovalStatus((), ("Wouter", "Naomi"), False, False, True, True)
MINE = DualApprovalStatus(("Wouter",), ("Naomi",), True, False, True)
THEIRS = DualApprovalStatus(("Naomi",), ("Wouter",), False, False, True, True)
EDITED_BY_ME = DualApprovalStatus((), ("Naomi",), False, True, True)
FILE = ManualSubmission("M1", True, (), False)
FILE_AGAIN = ManualSubmission("M1", True, (Download(AT, "Wouter"),), True)
FILE_OVER = ManualSubmission("M1", False, (Download(AT, "Wouter"),), True)
DELEGATED: dict[str, Any] = {"signing": "delegated"}
EXCLUDED: dict[str, Any] = {"lines_payable": 0}


def decide(state: str, can_pay: bool = True, approvals=None, manual=None, step=None, **changes: Any) -> Action:
    return next_action(payment(state, **changes), can_pay, approvals, manual, step)


OPEN = [
    ({}, Action.APPROVE),
    ({**DELEGATED}, Action.APPROVE_WITH_PIN),
    ({**EXCLUDED}, Action.DISCARD),
    ({**EXCLUDED, **DELEGATED}, Action.DISCARD),
    ({"cautions": [WARNING]}, Action.READ_WARNINGS),
    ({"cautions": [WARNING], **DELEGATED}, Action.READ_WARNINGS),
    ({"cautions": [READ]}, Action.APPROVE),
    ({"cautions": [READ, WARNING]}, Action.READ_WARNINGS),
    ({"cautions": [WARNING], **EXCLUDED}, Action.DISCARD),
    ({"run_missing": True}, Action.AWAIT_RUN),
    ({"run_missing": True, **EXCLUDED}, Action.AWAIT_RUN),
    ({"run_missing": True, "cautions": [WARNING]}, Action.AWAIT_RUN),
    ({"approvals": NOBODY}, Action.APPROVE),
    ({"approvals": THEIRS}, Action.APPROVE),
    ({"approvals": THEIRS, **DELEGATED}, Action.APPROVE_WITH_PIN),
    ({"approvals": MINE}, Action.AWAIT_SECOND_APPROVAL),
    ({"approvals": MINE, "run_missing": True}, Action.AWAIT_SECOND_APPROVAL),
    ({"approvals": MINE, **EXCLUDED}, Action.DISCARD),
    ({"approvals": EDITED_BY_ME}, Action.LEAVE_TO_OTHERS),
    ({"approvals": EDITED_BY_ME, "cautions": [WARNING]}, Action.LEAVE_TO_OTHERS),
    ({"approvals": EDITED_BY_ME, **EXCLUDED}, Action.DISCARD),
]


@pytest.mark.parametrize(("changes", "action"), OPEN)
def test_actions_on_an_open_payment(changes: dict[str, Any], action: Action):
    assert decide("open", **changes) is action


@pytest.mark.parametrize(("changes", "_action"), OPEN)
def test_a_preparer_can_only_prepare(changes: dict[str, Any], _action: Action):
    assert decide("open", can_pay=False, **changes) is Action.PREPARE_ONLY


@pytest.mark.parametrize("state", ["rejected", "failed", "cancelled"])
def test_an_approver_can_reopen_an_ended_payment(state: str):
    assert decide(state) is Action.REOPEN
    assert decide(state, can_pay=False) is Action.PREPARE_ONLY


@pytest.mark.parametrize(
    ("how", "action"),
    [
        ("begin", Action.SIGN), ("page", Action.SIGN), ("login", Action.SIGN), ("method", Action.SIGN),
        ("code", Action.SIGN), ("app", Action.NOTHING), ("signed", Action.NOTHING), ("failed", Action.NOTHING),
        ("second", Action.NOTHING), ("soon", Action.NOTHING),
    ],
)  # fmt: skip
def test_sca_that_starts_with_a_button(how: Any, action: Action):
    assert decide("at_bank", step=ScaStep(how)) is action
    assert decide("signed", step=ScaStep(how, cancels=True)) is action
    assert decide("at_bank", can_pay=False, step=ScaStep(how)) is Action.PREPARE_ONLY


@pytest.mark.parametrize("state", ["approved", "sending"])
def test_an_approver_can_download_the_file(state: str):
    assert decide(state, manual=FILE) is Action.DOWNLOAD_FILE
    assert decide(state, manual=FILE_AGAIN) is Action.DOWNLOAD_FILE_AGAIN
    assert decide(state, manual=FILE_OVER) is Action.NOTHING
    assert decide(state, can_pay=False, manual=FILE) is Action.NOTHING


@pytest.mark.parametrize("state", sorted(set(BatchState) - {"open", "rejected", "failed", "cancelled", "returned"}))
def test_other_states_have_no_action(state: str):
    assert decide(state) is Action.NOTHING


# --- on the page ---
def test_each_action_has_a_template_part(app: Flask, database: str):
    template = Path(app.root_path, "templates", "payments", "_action.html").read_text()
    conditions = re.findall(r"{% elif page\.action (.*) %}", template)
    written = {name for condition in conditions for name in re.findall(r"'(\w+)'", condition)}
    assert written == set(Action) - set(NOTES) - {Action.NOTHING}
    with app.test_request_context():
        for action in Action:
            label, note = action_label(action, payment("open"), ScaStep("begin")), action_note(action)
            assert (bool(label), bool(note)) == (action in written, action in NOTES)


@pytest.mark.parametrize("state", BatchState)
def test_the_page_polls_until_the_payment_is_final(state: str):
    assert is_polled(payment(state), None) == (state != "open" and state not in SETTLED)


@pytest.mark.parametrize(("approvals", "polled"), [(None, False), (NOBODY, False), (THEIRS, True), (MINE, True)])
def test_an_open_payment_polls_for_the_second_approval(approvals: DualApprovalStatus | None, polled: bool):
    assert is_polled(payment("open"), approvals) is polled
