"""What a person can do with a payment now: decided once, in Python, and shown at the foot of the payment's page."""

from enum import StrEnum

from domain.orders.manual_submission import ManualSubmission
from domain.orders.sca_state import ScaStep
from domain.payments.four_eyes import DualApprovalStatus
from domain.payments.queries import Payment


class Action(StrEnum):
    """The one thing to do, or why there is nothing to do; `templates/payments/_action.html` has a part for each."""

    NOTHING = "nothing"
    PREPARE_ONLY = "prepare_only"  # this person prepares payments and approves none
    AWAIT_SECOND_APPROVAL = "await_second_approval"  # this person has approved; somebody else has to as well
    LEAVE_TO_OTHERS = "leave_to_others"  # who edited last does not approve
    AWAIT_RUN = "await_run"  # the run is no longer in Nmbrs
    READ_WARNINGS = "read_warnings"
    APPROVE_WITH_PIN = "approve_with_pin"
    APPROVE = "approve"
    DISCARD = "discard"  # every line is excluded
    DOWNLOAD_FILE = "download_file"
    DOWNLOAD_FILE_AGAIN = "download_file_again"
    SIGN = "sign"
    REOPEN = "reopen"


EDITABLE = ("open", "approved")
ENDED = ("rejected", "failed", "cancelled")
# Only who approves payments can do something about these.
_FOR_APPROVERS = ("open", *ENDED, "at_bank")
# Steps of signing that begin with a press of a button; the others happen in the bank's app, or by themselves.
_SIGN_BY_BUTTON = ("begin", "page", "login", "method", "code")


def next_action(
    payment: Payment,
    can_pay: bool,
    approvals: DualApprovalStatus | None,
    manual: ManualSubmission | None,
    step: ScaStep | None,
) -> Action:
    """Return what this person can do with this payment now.

    `can_pay`: the role may approve. `approvals`: where two people approve. `manual`: the payment file of an account
    without a bank link. `step`: how the order is signed, while it waits for that.
    """
    if payment.state in _FOR_APPROVERS and not can_pay:
        return Action.PREPARE_ONLY
    if payment.state == "open":
        return _next_while_open(payment, approvals)
    if manual is not None and manual.may_take and can_pay:
        return Action.DOWNLOAD_FILE_AGAIN if manual.taken else Action.DOWNLOAD_FILE
    if step is not None and step.how in _SIGN_BY_BUTTON:
        return Action.SIGN
    return Action.REOPEN if payment.state in ENDED else Action.NOTHING


def _next_while_open(payment: Payment, approvals: DualApprovalStatus | None) -> Action:
    """For somebody who may approve. With every line excluded there is nothing that needs two people or a pin."""
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
    return Action.APPROVE_WITH_PIN if payment.needs_pin else Action.APPROVE


def is_polled(payment: Payment, approvals: DualApprovalStatus | None) -> bool:
    """Whether the page asks again by itself: something may change without this person.

    An open payment stands still, unless one person has approved and another still has to.
    """
    if payment.settled:
        return False
    return payment.state != "open" or bool(approvals and approvals.waits)
