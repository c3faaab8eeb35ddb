"""Payee names that do not match (verification of payee): accept the bank's name, exclude the line, or confirm all."""

from flask import Response, abort, flash, request
from flask_babel import gettext as _

from blueprints.account.passkeys import options
from blueprints.payments.approval import redirect_to_pin_setup
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, render_current, render_problem, url_of
from blueprints.payments.forms import PayForm, PinForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.payments.presenters.payee_names import present_names
from blueprints.payments.presenters.status import names_differ
from blueprints.web import session_interface
from blueprints.web.acts import does
from blueprints.web.authorization import psu
from blueprints.web.error_messages import message_for
from blueprints.web.field_errors import redirect_with_wrong_pin
from blueprints.web.responses import redirect_to
from blueprints.web.step_up import current_device
from domain.accounts import passkeys, rate_limits
from domain.common.errors import DomainError, PasskeyRefused, PinLocked, PinMissing, PinWrong
from domain.orders import name_confirmation, payee_verification
from domain.orders.name_confirmation import NamesToConfirm
from domain.payments import queries
from domain.payments.digest import require_same
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import Payment
from domain.payments.release import Given, PasskeyAssertion
from jobs import enqueue
from models import Membership
from models.states import AuthenticationMethod


@blueprint.post("/<client>/betalingen/<reference>/namen/<int:line_id>")
@does("decide_name")
def decide_name(membership, reference, line_id):
    """Accept the bank's name for the next payment, or exclude the line."""
    line, choice = (membership.client, membership.user, reference, line_id), request.form.get("keuze")
    try:
        _require_shown(membership, reference)
        if choice == "overnemen":
            payee_verification.accept_bank_name(*line)
        elif choice == "niet-betalen":
            payee_verification.exclude_line_and_cancel(*line, psu())
        else:
            abort(400)
    except DomainError as error:
        return render_problem(membership, reference, error)
    if choice == "overnemen":
        return render_current(membership, reference, spoken=_(
            "De naam van de bank is opgeslagen voor de volgende keer."
        ))
    return render_current(membership, reference, focus=True)


# --- pay although names differ ---
@blueprint.post("/<client>/betalingen/<reference>/namen")
@does("confirm_names")
def confirm_names(membership, reference):
    """Confirm the payment despite the mismatches; where our proof is the signature, ask for it first."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if payment.needs_pin:
        return redirect_to(url_of(membership, reference, "confirm_names_with_pin"))
    try:
        _confirm(membership, reference, PayForm().shown.data or "", AuthenticationMethod.SESSION, Given())
    except DomainError as error:
        return render_problem(membership, reference, error)
    return render_current(membership, reference, focus=True)


@blueprint.route("/<client>/betalingen/<reference>/namen/pincode", methods=["GET", "POST"])
@does("confirm_names")
def confirm_names_with_pin(membership, reference):
    """Show the names once more, and confirm them with the PIN."""
    payment, form = queries.get_payment(membership.client, reference, LineQuery()), PinForm()
    if not names_differ(payment) or not payment.needs_pin:
        return redirect_to(url_of(membership, reference))
    if not form.validate_on_submit():
        return _pin_page(membership, payment, form)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        _confirm(membership, reference, form.shown.data or "", AuthenticationMethod.PIN,
                 Given(form.pin.data, current_device()))
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        return redirect_to_pin_setup(membership, error)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    rate_limits.reset_attempts("pin.user", membership.user_id)
    return redirect_to(url_of(membership, reference))


@blueprint.post("/<client>/betalingen/<reference>/namen/passkey/vraag")
@does("confirm_names")
def names_passkey_options(membership, reference):
    """Return WebAuthn options whose challenge depends on the names that were shown."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if not names_differ(payment) or request.form.get("shown") != _to_confirm(membership, payment).digest:
        abort(409)
    return options(passkeys.ask_release(membership.user, session_interface.oidc_binding(), request.form["shown"]))


@blueprint.post("/<client>/betalingen/<reference>/namen/passkey")
@does("confirm_names")
def confirm_names_with_passkey(membership, reference):
    """Confirm with a passkey instead of the PIN; its signature covers these names."""
    signed = PasskeyAssertion(request.form.get("answer", ""), session_interface.oidc_binding())
    shown, given = request.form.get("shown", ""), Given(passkey=signed)
    try:
        _confirm(membership, reference, shown, AuthenticationMethod.PASSKEY, given)
    except PasskeyRefused as error:
        flash(message_for(error), "bad")
        return redirect_to(url_of(membership, reference, "confirm_names_with_pin"))
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return redirect_to(url_of(membership, reference))


def _confirm(membership: Membership, reference: str, shown: str, proof: str, given: Given) -> None:
    if not name_confirmation.confirm_names(membership, reference, shown, proof, psu(), given):
        enqueue("send_mails")


def _pin_page(membership: Membership, payment: Payment, form: PinForm) -> Response:
    sheet, check = build_sheet(membership, payment), payee_verification.verification_status(payment)
    names = present_names(check, payment, sheet.url, _to_confirm(membership, payment)) if check else None
    return render_sheet(
        "payments/confirm_names.html", sheet, form.status, form=form, names=names,
        has_passkey=passkeys.has_passkey(membership.user),
    )  # fmt: skip


def _to_confirm(membership: Membership, payment: Payment) -> NamesToConfirm:
    if payment.order is None:
        abort(409)
    return name_confirmation.names_to_confirm(payment.order.row, membership.user)


def _require_shown(membership: Membership, reference: str) -> None:
    """Check that the page showed the current names; a new order has other ones.

    Raises:
    - BatchChanged
    """
    require_same(PayForm().shown.data or "", queries.get_payment(membership.client, reference).digest)
