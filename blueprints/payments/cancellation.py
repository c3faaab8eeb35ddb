"""Cancel a payment at the bank, confirmed with the PIN, and with SCA if the bank requires it."""

from flask import Response, flash
from flask_babel import gettext as _

from blueprints.payments.approval import redirect_to_pin_setup
from blueprints.payments.bank_signing import redirect_to_step
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import ConfirmForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.web.acts import does
from blueprints.web.authorization import psu
from blueprints.web.field_errors import redirect_with_wrong_pin
from blueprints.web.responses import redirect_to
from blueprints.web.step_up import current_device
from domain.accounts import rate_limits
from domain.common.errors import DomainError, PinLocked, PinMissing, PinWrong
from domain.orders import cancellation, sca
from domain.payments import queries
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import Payment
from models import Membership


@blueprint.route("/<client>/betalingen/<reference>/annuleren", methods=["GET", "POST"])
@does("cancel")
def cancel(membership, reference):
    """Request the cancellation, after a page that explains it and asks for the PIN."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    status, form = cancellation.cancellation_status(payment), ConfirmForm()
    if status is None or not status.offered:
        return redirect_to(url_of(membership, reference))
    if not form.validate_on_submit():
        return _cancel_page(membership, payment, form)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        cancellation.request_cancellation(membership, reference, form.pin.data or "", current_device(), psu())
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        return redirect_to_pin_setup(membership, error)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return _redirect_after_request(membership, reference)


def _cancel_page(membership: Membership, payment: Payment, form: ConfirmForm) -> Response:
    return render_sheet(
        "payments/cancel.html", build_sheet(membership, payment), form.status, form=form
    )  # fmt: skip


def _redirect_after_request(membership: Membership, reference: str) -> Response:
    """Redirect to the payment, or to SCA for the cancellation if the bank requires it."""
    status = cancellation.cancellation_status(queries.get_payment(membership.client, reference, LineQuery()))
    if status is None or not status.to_sign:
        return redirect_to(url_of(membership, reference))
    try:
        step = sca.start_sca(membership.client, membership.user, reference, psu())
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return redirect_to_step(membership, reference, step)


@blueprint.post("/<client>/betalingen/<reference>/annuleren/stoppen")
@does("keep")
def withdraw_cancellation(membership, reference):
    """Withdraw the cancellation."""
    try:
        cancellation.withdraw_cancellation(membership.client, membership.user, reference)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    flash(_("De betaling blijft staan."), "good")
    return redirect_to(url_of(membership, reference))
