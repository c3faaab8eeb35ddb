"""View models of the payment pages, built once per request: the templates get texts, decisions and lists.

`PaymentSheet` is for every page of a payment, `PaymentPage` for the payment's own page. `load_progress` reads what
changes by itself, `build_page` everything; nothing is read from the database twice.
"""

from dataclasses import dataclass
from typing import Any

from flask import Response, url_for
from flask_babel import gettext as _

from blueprints.payments.actions import EDITABLE, ENDED, MAY_BE_PUT_AWAY, Action, is_polled, next_action
from blueprints.payments.line_query import query_values
from blueprints.payments.presenters import status
from blueprints.payments.presenters.action import action_label, action_note
from blueprints.payments.presenters.bank_file import present_waiting
from blueprints.payments.presenters.cancellation import Cancellation, present_cancellation
from blueprints.payments.presenters.doubts import PresentedDoubt, answer_label, doubts_now, present_doubts
from blueprints.payments.presenters.early_names import EarlyNameBox, present_early_names
from blueprints.payments.presenters.hold import MAY_WAIT, present_hold
from blueprints.payments.presenters.lines import LineResults, excluded_count, is_searchable, present_results
from blueprints.payments.presenters.manual_file import ManualFile, present_file
from blueprints.payments.presenters.pay_changes import ChangeBox, present_changes, told_at_approval
from blueprints.payments.presenters.payee_names import PayeeNames, present_names
from blueprints.payments.presenters.payees import PayeeBox, present_payees
from blueprints.payments.presenters.signing import SigningNote, present_signing
from blueprints.payments.presenters.unpaid import unpaid_of_payment
from blueprints.payments.presenters.warnings import (
    LinkedNotice,
    PresentedWarning,
    find_notices,
    overpaid,
    present_notice,
    present_warning,
)
from blueprints.payroll.presenters.held_lines import HeldRow, held_title, present_held_lines
from blueprints.team.presenter import dual_approval_note
from blueprints.web.formatters import long_day
from blueprints.web.parts import Link, Note
from blueprints.web.responses import render
from core.iban import format_iban
from domain.orders import attestations, manual_submission, name_confirmation, payee_verification, sca
from domain.orders import cancellation as cancelling
from domain.orders.attestations import WaitingAttestation
from domain.orders.cancellation import CancellationStatus
from domain.orders.manual_submission import ManualSubmission
from domain.orders.name_confirmation import NamesToConfirm
from domain.orders.sca_state import ScaStep
from domain.payments import doubt_answers, four_eyes, payee_answers
from domain.payments.four_eyes import DualApprovalStatus
from domain.payments.payment_views import Payment
from domain.payments.release import MAY_RELEASE
from domain.payments.state_machine import SENT
from domain.payroll import excess_payment, unpaid
from domain.payroll.unpaid import UnpaidLine, Why
from domain.reconciliation import matching
from domain.team import salary_visibility
from models import Membership, PaymentHold
from models.states import BatchState, ClientState

# A whole booking of an order settles it: in other states none is looked for.
_MAY_BE_BOOKED = ("signed", "executed", "partly_executed", "returned", "disputed")
# States of a payment in which somebody may not have been paid, and may still be owed.
_MAY_LEAVE_UNPAID = (
    *ENDED,
    BatchState.PARTLY_EXECUTED,
    BatchState.PENDING_REJECTION,
    BatchState.DISPUTED,
    BatchState.DISCARDED,
    BatchState.REPLACED,
)


@dataclass(frozen=True)
class Progress:
    """The parts of a payment that change without this person: dual approval, SCA, downloads, cancellation."""

    approvals: DualApprovalStatus | None
    cancellation: CancellationStatus | None
    manual: ManualSubmission | None
    step: ScaStep | None
    waiting: list[WaitingAttestation]
    hold: PaymentHold | None
    names: NamesToConfirm | None


@dataclass(frozen=True)
class PaymentSheet:
    """The data of every page of a payment, limited to what this member may see."""

    client_id: str  # public id
    payment: Payment
    can_pay: bool  # may approve; nobody does while the client is being closed
    execution_day: str
    bank_reference: str  # of the order, else of the payment

    def url(self, view: str = "detail", **values: Any) -> str:
        """Return the URL of this payment's page, or of another view of it."""
        return payment_url(self.client_id, self.payment.reference, view, **values)


@dataclass(frozen=True)
class PaymentPage(PaymentSheet):
    """The payment's own page. `problem`, `done`, `spoken` and `focus` concern the last action.

    An empty text or list, or None, means that the part is absent.
    """

    state_label: str
    state_tone: str
    fingerprint: str  # of what changes by itself: `status` answers only if it differs
    polled: bool
    editable: bool
    searchable: bool
    action: Action
    action_label: str
    action_note: str
    steps: list[tuple[str, str, str]]
    in_flight: bool
    hold: Note | None  # why nothing goes to the bank at the moment
    reason: Note | None
    approvals: Note | None
    doubts: list[PresentedDoubt]
    payees: list[PayeeBox]  # new and changed accounts
    early_names: EarlyNameBox | None  # names that differ, as was said days before the payment
    changes: ChangeBox | None  # what changed since the payments before
    names: PayeeNames | None
    signing: SigningNote | None
    manual: ManualFile | None
    cancellation: Cancellation | None
    waiting: list[tuple[Note, Link | None]]  # for a second person who confirms what one person did
    booking: Link | None
    unpaid: Link | None
    warnings: list[PresentedWarning]
    notices: list[LinkedNotice]
    overpaid: list[str]
    redacted: str
    newer_url: str
    line_count: str
    relative_date: str
    balance: str
    statement_style: str
    names_unchecked: bool
    facts: list[tuple[str, str]]  # of a payment that can no longer be changed
    takes_bank_report: bool
    may_pay_extra: bool
    may_put_away: bool
    query_fields: dict[str, str]
    results: LineResults | None  # None for those who may not see the lines
    excluded_count: str
    held_title: str
    held: list[HeldRow]  # what the run owes and no payment can hold
    problem: str = ""
    done: str = ""
    spoken: str = ""
    focus: bool = False

    @property
    def tax_facts(self) -> list[tuple[str, str]]:
        """Return until when wage tax must be paid, and its reference; nothing of salaries."""
        facts = []
        if self.payment.pay_by:
            facts.append((_("Uiterlijk bij de Belastingdienst"), status.date_in_full(self.payment.pay_by)))
        if self.payment.tax_reference:
            facts.append((_("Betalingskenmerk"), status.spaced_reference(self.payment.tax_reference)))
        return facts


def payment_url(client_id: str, reference: str, view: str = "detail", **values: Any) -> str:
    """Return the URL of a view of one payment. `client_id` is the client's public id."""
    return url_for(f"payments.{view}", client=client_id, reference=reference, **values)


def load_progress(membership: Membership, payment: Payment) -> Progress:
    """Read what changes without this person, each with one query."""
    approvals = four_eyes.dual_approval_status(
        membership.client, membership.user, payment.id, payment.state, payment.total_cents
    )  # fmt: skip
    cancellation = cancelling.cancellation_status(payment)
    waiting = attestations.waiting_attestations(payment.order.row, payment.state, membership.user) if (
        payment.order is not None and attestations.may_wait(payment.order.row)
    ) else []
    manual, step = manual_submission.submission_view(payment), _step(payment, cancellation)
    hold = PaymentHold.get_or_none(PaymentHold.id == payment.hold) if _is_held(payment) else None
    names = None
    if payment.order is not None and status.names_differ(payment):
        names = name_confirmation.names_to_confirm(payment.order.row, membership.user)
    return Progress(approvals, cancellation, manual, step, waiting, hold, names)


def _is_held(payment: Payment) -> bool:
    return payment.hold is not None and payment.state in MAY_WAIT


def _step(payment: Payment, cancellation: CancellationStatus | None) -> ScaStep | None:
    """Return the SCA step of the order or its cancellation; None if it does not wait for SCA."""
    if payment.order is None or payment.is_manual:
        return None
    if payment.order.can_sign or (cancellation is not None and cancellation.to_sign):
        return sca.step_for(payment.order.row)
    return None


def fingerprint(payment: Payment, progress: Progress) -> str:
    """Return a text that changes whenever the live part of the page changes."""
    cancellation, step, manual, approvals = progress.cancellation, progress.step, progress.manual, progress.approvals
    seen = (
        status.is_outcome_unknown(payment), payment.run_missing, payment.unopened, payment.asks_about_payees,
        status.names_differ(payment),
        bool(cancellation and cancellation.running), bool(cancellation and cancellation.to_sign),
    )  # fmt: skip
    parts = (
        payment.state, f"{payment.state_changed_at.timestamp():.6f}", "".join(f"{one:d}" for one in seen),
        step.how if step else "", len(manual.taken) if manual else "", len(approvals.approved_by) if approvals else "",
        len(progress.waiting), progress.hold.id if progress.hold else "",
        len(progress.names.confirmed_by) if progress.names else "", *doubts_now(payment),
    )  # fmt: skip
    return "-".join(str(part) for part in parts)


def build_sheet(membership: Membership, payment: Payment) -> PaymentSheet:
    """Return the data of a page of this payment other than its own."""
    payment = salary_visibility.redact_payment(membership, payment)
    return PaymentSheet(
        client_id=membership.client.public_id,
        payment=payment,
        can_pay=membership.role in MAY_RELEASE and membership.client.state == ClientState.OPEN,
        execution_day=status.date_in_full(payment.execution_date),
        bank_reference=payment.order.msg_id if payment.order else payment.reference,
    )


def build_page(
    membership: Membership, payment: Payment, progress: Progress | None = None, problem: str = "", done: str = "",
    spoken: str = "", focus: bool = False,
) -> PaymentPage:  # fmt: skip
    """Return the data of the payment's own page; call once per request."""
    payment = (sheet := build_sheet(membership, payment)).payment
    progress = progress or load_progress(membership, payment)
    label, tone = status.state_label(payment)
    left = _left_unpaid(payment)
    is_open = membership.client.state == ClientState.OPEN
    action, doubts = _action(membership, sheet, progress, left), _doubts(membership, sheet)
    return PaymentPage(
        **vars(sheet),
        state_label=label,
        state_tone=tone,
        fingerprint=fingerprint(payment, progress),
        polled=is_polled(payment, progress.approvals),
        editable=payment.state in EDITABLE and is_open,
        searchable=is_searchable(payment),
        action=action,
        action_label=(action is Action.SETTLE_DOUBTS and answer_label(doubts))
        or action_label(action, payment, progress.step),
        action_note=action_note(action),
        steps=status.progress_steps(payment),
        in_flight=status.is_in_flight(payment) and progress.hold is None,
        hold=present_hold(progress.hold, payment) if progress.hold else None,
        reason=_reason(payment),
        approvals=_approvals(progress.approvals),
        doubts=doubts,
        payees=present_payees(payment, is_open and _may_answer(membership), sheet.url),
        early_names=present_early_names(payment, sheet.can_pay and payment.state in EDITABLE, sheet.url),
        changes=present_changes(payment, sheet.url),
        names=_names(payment, sheet, progress.names),
        signing=present_signing(payment, progress.step) if progress.step else None,
        manual=present_file(progress.manual, payment, sheet.can_pay) if progress.manual else None,
        cancellation=present_cancellation(progress.cancellation, sheet.can_pay) if progress.cancellation else None,
        waiting=present_waiting(progress.waiting, sheet.can_pay, sheet.url),
        booking=_booking(payment, sheet),
        unpaid=_unpaid(payment, left),
        warnings=present_warnings(sheet),
        notices=[present_notice(one, payment, sheet.url) for one in find_notices(payment, problem)],
        overpaid=overpaid(payment),
        redacted=_redacted(payment),
        newer_url=payment_url(sheet.client_id, payment.newer_reference) if payment.newer_reference else "",
        line_count=status.line_count(payment),
        relative_date=status.relative_date(payment),
        balance=status.balance(payment.account),
        statement_style=status.statement_style(payment),
        names_unchecked=status.is_name_check_off(payment),
        facts=_facts(sheet),
        **_offers(sheet),
        query_fields=query_values(payment.found.look) if payment.found else {},
        results=present_results(payment, payment.found, sheet.url) if payment.found else None,
        excluded_count=excluded_count(payment),
        held_title=held_title(len(payment.beside.held)),
        held=present_held_lines(payment.beside.held),
        problem=problem, done=done,
        spoken=spoken or label,
        focus=focus,
    )


def _offers(sheet: PaymentSheet) -> dict[str, Any]:
    """Return what is offered beside the action."""
    payment = sheet.payment
    unpaid = payment.state in MAY_BE_PUT_AWAY and payment.lines_payable > 0 and payment.redacted_at is None
    return {
        "takes_bank_report": sheet.can_pay and payment.state in SENT and payment.redacted_at is None,
        "may_pay_extra": sheet.can_pay and _may_pay_extra(payment),
        "may_put_away": sheet.can_pay and unpaid and not payment.is_doubted,
    }


def _doubts(membership: Membership, sheet: PaymentSheet) -> list[PresentedDoubt]:
    """Return the questions about the run, each with who is asked for an answer."""
    if not sheet.payment.doubts:
        return []
    members = doubt_answers.members_to_ask(membership.client)
    asked = {one.line: doubt_answers.answerers(members, one.asked_by) for one in sheet.payment.doubts}
    return present_doubts(sheet.payment, asked, membership.user, sheet.can_pay, sheet.url)


def _may_answer(membership: Membership) -> bool:
    return payee_answers.may_answer(membership.role, membership.client)


def _action(membership: Membership, sheet: PaymentSheet, progress: Progress, left: list[UnpaidLine]) -> Action:
    payment = sheet.payment
    action = next_action(payment, sheet.can_pay, progress.approvals, progress.manual, progress.step)
    is_open = membership.client.state == ClientState.OPEN
    if not is_open or (action is Action.REOPEN and _came_back_and_waits(payment, left)):
        return Action.NOTHING
    if action in (Action.APPROVE, Action.APPROVE_WITH_PIN) and payee_answers.is_left_to_others(membership, payment):
        return Action.LEAVE_ANSWERED
    return action


def present_warnings(sheet: PaymentSheet) -> list[PresentedWarning]:
    """Return the warnings that must be read before paying."""
    return [
        present_warning(one, lambda reference: payment_url(sheet.client_id, reference))
        for one in sheet.payment.cautions
    ]  # fmt: skip


def _facts(sheet: PaymentSheet) -> list[tuple[str, str]]:
    """Return labels and values."""
    payment = sheet.payment
    facts = [
        (_("Uitvoeren op"), sheet.execution_day), (_("Van rekening"), format_iban(payment.account.iban)),
        (_("Referentie"), sheet.bank_reference), (_("Op je afschrift"), status.statement_style(payment)),
    ]  # fmt: skip
    if status.is_name_check_off(payment):
        facts.append((_("Namen"), _("niet gecontroleerd, volgens je instellingen")))
    if told := told_at_approval(payment):
        facts.append((_("Veranderd, bij goedkeuring"), told))
    return facts


def _may_pay_extra(payment: Payment) -> bool:
    return payment.redacted_at is None and excess_payment.may_ask(payment.state, payment.is_manual)


def _redacted(payment: Payment) -> str:
    """Return that the details of people are gone, and since when; "" if they are there."""
    if payment.redacted_at is None:
        return ""
    return _("De namen en rekeningnummers bij deze regels zijn verwijderd op %(day)s. De bedragen blijven staan.",
             day=long_day(payment.redacted_at))  # fmt: skip


def _reason(payment: Payment) -> Note | None:
    text = status.reason(payment)
    return Note("bad" if payment.state in ENDED else "warn", text=text) if text else None


def _approvals(approvals: DualApprovalStatus | None) -> Note | None:
    if approvals is None:
        return None
    title, text = dual_approval_note(approvals)
    return Note("warn" if approvals.stuck else "info", title, text)


def _names(payment: Payment, sheet: PaymentSheet, confirming: NamesToConfirm | None) -> PayeeNames | None:
    """Return the payee names to check; None for those who may not see the lines."""
    check = None if payment.hidden else payee_verification.verification_status(payment)
    return present_names(check, payment, sheet.url, confirming) if check else None


def _booking(payment: Payment, sheet: PaymentSheet) -> Link | None:
    order = payment.order if payment.state in _MAY_BE_BOOKED else None
    mark = matching.booking_of_order(order.id) if order and order.is_booked else None
    if mark is None:
        return None
    url = url_for("banking.list_transactions", account_id=mark.account_id, boeking=mark.transaction_id)
    return Link(status.booking_date(mark.booking_date), url)


def _left_unpaid(payment: Payment) -> list[UnpaidLine]:
    """Return what this payment did not pay; nothing is read for one that waits, or is on its way whole."""
    left_out = payment.state in SENT and payment.lines_payable < payment.lines_all
    if payment.state not in _MAY_LEAVE_UNPAID and not left_out:
        return []
    return unpaid.unpaid_lines_of_payment(payment.id, payment.reference)


def _came_back_and_waits(payment: Payment, left: list[UnpaidLine]) -> bool:
    """Return whether all that came back of this payment waits in another one, or is owed no more: then setting it up
    again would do nothing.
    """
    return payment.state == BatchState.RETURNED and not payment.is_excess and not left


def _unpaid(payment: Payment, lines: list[UnpaidLine]) -> Link | None:
    """Return the link to what this payment did not pay."""
    if payment.state in ENDED:  # set up again as a whole, unless an account is wrong
        lines = [one for one in lines if one.why is Why.WRONG_ACCOUNT]
    return unpaid_of_payment(lines)


def render_sheet(template: str, sheet: PaymentSheet, status_code: int = 200, **more: object) -> Response:
    """Render a page of this payment other than its own; the template gets `sheet`."""
    return render(template, status_code, sheet=sheet, payment=sheet.payment, **more)


def render_page(template: str, page: PaymentPage, status_code: int = 200, **more: object) -> Response:
    """Render the payment's own page or a part of it; the template gets `page`.

    A template sets `oob` and `part` for parts that are swapped elsewhere on the page.
    """
    values = {"oob": False, "part": False, "turned": False} | more
    return render(template, status_code, page=page, payment=page.payment, **values)
