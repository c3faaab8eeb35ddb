"""Decide what a person can do with a payment now, for the bottom of its page."""

from enum import StrEnum

from domain.orders.manual_submission import ManualSubmission
from domain.orders.sca_state import ScaStep
from domain.payments.awaiting import NOT_EXECUTED
from domain.payments.four_eyes import DualApprovalStatus
from domain.payments.payment_views import Payment
from models.states import BatchState


class Action(StrEnum):
    """The next action, or the reason why there is none; `templates/payments/_action.html` has a part for each."""

    NOTHING = "nothing"
    PREPARE_ONLY = "prepare_only"  # the role prepares payments but does not approve them
    AWAIT_SECOND_APPROVAL = "await_second_approval"  # this person has approved; a second person must too
    LEAVE_TO_OTHERS = "leave_to_others"  # the last editor cannot approve
    LEAVE_ANSWERED = "leave_answered"  # who answered about an account cannot approve
    AWAIT_RUN = "await_run"  # the run is no longer in Nmbrs
    READ_WARNINGS = "read_warnings"
    ANSWER_PAYEES = "answer_payees"  # a question about a new or changed account is open
    SETTLE_DOUBTS = "settle_doubts"  # somebody asked whether the run has a mistake
    APPROVE_WITH_PIN = "approve_with_pin"
    APPROVE = "approve"
    DISCARD = "discard"  # all lines are excluded
    DOWNLOAD_FILE = "download_file"
    DOWNLOAD_FILE_AGAIN = "download_file_again"
    SIGN = "sign"
    REOPEN = "reopen"


EDITABLE = (BatchState.OPEN, BatchState.APPROVED)
MAY_BE_PUT_AWAY = (*EDITABLE, *NOT_EXECUTED)
ENDED = (*NOT_EXECUTED, BatchState.RETURNED)
# States in which only approvers can act.
_FOR_APPROVERS = (BatchState.OPEN, *ENDED, BatchState.AT_BANK)
# SCA steps that start with a button; the others happen in the bank's app or by themselves.
_SIGN_BY_BUTTON = ("begin", "page", "login", "method", "code")


def next_action(
    payment: Payment,
    can_pay: bool,
    approvals: DualApprovalStatus | None,
    manual: ManualSubmission | None,
    step: ScaStep | None,
) -> Action:
    """Return what this person can do with this payment now.

    `can_pay`: the role may approve. `approvals`: the status of a dual approval. `manual`: the payment file of an
    account without a bank link. `step`: the SCA step, while the order waits for it.
    """
    if payment.redacted_at is not None:
        return Action.NOTHING
    if payment.state in _FOR_APPROVERS and not can_pay:
        return Action.SETTLE_DOUBTS if payment.doubts else Action.PREPARE_ONLY
    if payment.state == BatchState.OPEN:
        return _next_while_open(payment, approvals)
    if manual is not None and manual.may_take and can_pay:
        return Action.DOWNLOAD_FILE_AGAIN if manual.taken else Action.DOWNLOAD_FILE
    if step is not None and step.how in _SIGN_BY_BUTTON:
        return Action.SIGN
    return Action.REOPEN if payment.state in ENDED else Action.NOTHING


def _next_while_open(payment: Payment, approvals: DualApprovalStatus | None) -> Action:
    """Return the action on an open payment for an approver. If all lines are excluded, neither a second approval nor a
    PIN is needed; while a doubt stands, an answer is.
    """
    if payment.is_doubted:
        return Action.AWAIT_RUN if payment.run_missing else Action.SETTLE_DOUBTS
    if payment.lines_payable and approvals is not None and approvals.approved_by_me:
        return Action.AWAIT_SECOND_APPROVAL
    if payment.lines_payable and approvals is not None and approvals.changed_by_me:
        return Action.LEAVE_TO_OTHERS
    if payment.run_missing:
        return Action.AWAIT_RUN
    if not payment.lines_payable:
        return Action.DISCARD
    if payment.unopened:
        return Action.READ_WARNINGS
    if payment.asks_about_payees:
        return Action.ANSWER_PAYEES
    return Action.APPROVE_WITH_PIN if payment.needs_pin else Action.APPROVE


def is_polled(payment: Payment, approvals: DualApprovalStatus | None) -> bool:
    """Return whether the page polls, because something may change without this person.

    An open payment does not change, unless it waits for a second approval or an answer.
    """
    if payment.settled:
        return False
    return payment.state != BatchState.OPEN or payment.is_doubted or bool(approvals and approvals.waits)
