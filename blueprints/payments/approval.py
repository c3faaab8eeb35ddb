"""Approve a payment: directly, with PIN or passkey if the app's own authentication counts (delegated SCA), or again
after a rejection.
"""

from flask import Response, abort, flash, url_for
from flask_babel import gettext as _
from htmx_flask import request

from blueprints.account.passkeys import options
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, render_current, render_problem, url_of
from blueprints.payments.forms import PayForm, PinForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.payments.presenters.lines import present_line
from blueprints.web import session_interface
from blueprints.web.acts import does
from blueprints.web.authorization import psu
from blueprints.web.error_messages import message_for
from blueprints.web.field_errors import redirect_with_errors
from blueprints.web.responses import redirect_to
from blueprints.web.step_up import current_device
from domain.accounts import passkeys, rate_limits
from domain.common.errors import (
    BatchChanged,
    DomainError,
    DoubtStands,
    PasskeyRefused,
    PinLocked,
    PinMissing,
    PinWrong,
    UnacknowledgedWarnings,
    UnansweredPayees,
)
from domain.payments import amendments, queries
from domain.payments.digest import require_same
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import Payment
from domain.payments.release import PasskeyAssertion, release
from domain.payroll import reopening
from jobs import enqueue
from models import Approval, Membership, Release
from models.states import AuthenticationMethod, BatchState


@blueprint.post("/<client>/betalingen/<reference>/betalen")
@does("approve")
def pay(membership, reference):
    """Approve the payment if the bank does SCA; under delegated SCA ask for the PIN first."""
    payment = queries.get_payment(membership.client, reference)
    if payment.state != BatchState.OPEN:  # pressed twice: show the current state
        return render_current(membership, reference, focus=True)
    shown = PayForm().shown.data or ""
    try:
        require_same(shown, payment.digest)
        if payment.is_doubted:
            raise DoubtStands
        if not payment.lines_payable:
            amendments.discard(membership.client, membership.user, reference)
        elif payment.unopened:
            raise UnacknowledgedWarnings
        elif payment.asks_about_payees:
            raise UnansweredPayees
        elif payment.needs_pin:
            return redirect_to(url_of(membership, reference, "pin", shown=shown))
        else:
            _enqueue_next(release(membership, reference, shown, AuthenticationMethod.SESSION, psu()))
    except DomainError as error:
        return render_problem(membership, reference, error)
    return render_current(membership, reference, focus=True)


def _enqueue_next(row: Release | Approval) -> None:
    """Submit to the bank, or notify the second approver."""
    if isinstance(row, Approval):
        enqueue("send_mails")
    else:
        enqueue("send_order", row.batch_id)


# --- authentication by the app ---
@blueprint.route("/<client>/betalingen/<reference>/pincode", methods=["GET", "POST"])
@does("approve")
def pin(membership, reference):
    """Approve with the PIN. The digest from the payment's page ensures that what was shown is what is approved.

    The page repeats total, count, date, account and reference (dynamic linking, PSD2 RTS art. 5).
    """
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if payment.state != BatchState.OPEN or not payment.needs_pin or not payment.lines_payable:
        return redirect_to(url_of(membership, reference))
    form = PinForm(shown=request.args.get("shown"))
    if not form.shown.data:
        return redirect_to(url_of(membership, reference))
    try:
        require_same(form.shown.data, payment.digest)
    except BatchChanged as error:
        return redirect_with_problem(membership, reference, error)
    if refusal := _refusal_before_pin(payment):
        return redirect_with_problem(membership, reference, refusal)
    if not form.validate_on_submit():
        return _pin_page(membership, payment, form)
    return _approve_with_pin(membership, payment, form)


def _refusal_before_pin(payment: Payment) -> DomainError | None:
    """Return what refuses the payment whatever PIN is given."""
    if payment.is_doubted:
        return DoubtStands()
    if payment.unopened:
        return UnacknowledgedWarnings()
    return UnansweredPayees() if payment.asks_about_payees else None


def _approve_with_pin(membership: Membership, payment: Payment, form: PinForm) -> Response:
    """Count the attempt, then approve. A wrong PIN is shown at its field."""
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        row = release(
            membership, payment.reference, form.shown.data or "", AuthenticationMethod.PIN, psu(), form.pin.data,
            device=current_device()
        )  # fmt: skip
    except PinWrong as error:
        form.pin.errors = [message_for(error)]
        if request.htmx:
            return _pin_page(membership, payment, form)
        return redirect_with_errors(form, url_of(membership, payment.reference, "pin", shown=payment.digest))
    except (PinLocked, PinMissing) as error:
        enqueue("send_mails")
        return redirect_to_pin_setup(membership, error)
    except DomainError as error:
        return redirect_with_problem(membership, payment.reference, error)
    rate_limits.reset_attempts("pin.user", membership.user_id)
    _enqueue_next(row)
    return redirect_to(url_of(membership, payment.reference))


def redirect_to_pin_setup(membership: Membership, error: DomainError) -> Response:
    """Redirect to the page for a new PIN, if there is none or it is locked."""
    flash(message_for(error), "bad")
    return redirect_to(url_for("onboarding.set_pin", client=membership.client.public_id))


def _pin_page(membership: Membership, payment: Payment, form: PinForm) -> Response:
    template = "payments/_pin.html" if request.htmx else "payments/pin.html"
    sheet = build_sheet(membership, payment)
    found = sheet.payment.found
    return render_sheet(
        template, sheet, form.status, form=form, has_passkey=passkeys.has_passkey(membership.user),
        lines=[present_line(one, sheet.payment, sheet.url) for one in sheet.payment.lines if one.payable],
        more_lines=found is not None and found.pages > 1,
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/<reference>/passkey/vraag")
@does("approve")
def passkey_options(membership, reference):
    """Return WebAuthn options whose challenge depends on the shown payment."""
    if request.form.get("shown") != queries.get_payment(membership.client, reference).digest:
        abort(409)
    return options(passkeys.ask_release(membership.user, session_interface.oidc_binding(), request.form["shown"]))


@blueprint.post("/<client>/betalingen/<reference>/passkey")
@does("approve")
def sign_with_passkey(membership, reference):
    """Approve with a passkey instead of the PIN; its signature covers this payment."""
    shown, signed = (
        request.form.get("shown", ""),
        PasskeyAssertion(request.form.get("answer", ""), session_interface.oidc_binding()),
    )
    try:
        row = release(membership, reference, shown, AuthenticationMethod.PASSKEY, psu(), passkey=signed)
    except PasskeyRefused as error:
        flash(message_for(error), "bad")
        return redirect_to(url_of(membership, reference, "pin", shown=shown))
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    _enqueue_next(row)
    return redirect_to(url_of(membership, reference))


# --- reopening ---
@blueprint.post("/<client>/betalingen/<reference>/opnieuw")
@does("reopen")
def reopen(membership, reference):
    """Reopen a payment that was not executed, or replace it by a new one of what is owed by now."""
    try:
        payment = reopening.reopen_payment(membership.client, membership.user, reference)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    if payment is not None and payment.reference != reference:
        flash(_("De salarisrun is opnieuw gedraaid. Dit moet nog worden betaald."), "good")
    return redirect_to(url_of(membership, payment.reference if payment else reference))
