"""Taking a payment back at the bank, confirmed with the pin; signed where the bank wants that."""

from flask import Response, flash
from flask_babel import gettext as _

from blueprints.access import MAY_PAY, approving, for_client, psu
from blueprints.answers import goto
from blueprints.payments.bank_signing import on
from blueprints.payments.forms import SaidForm
from blueprints.payments.routes import address, back, blueprint, page
from blueprints.proving import here
from blueprints.words import say
from domain import attempts, cancelling, payments, signing
from domain.errors import DomainError, PinLocked, PinMissing, PinWrong
from domain.found_lines import Look


@blueprint.route("/<client>/betalingen/<reference>/annuleren", methods=["GET", "POST"])
@for_client(MAY_PAY)
@approving
def cancel(membership, reference):
    """Annuleer bij de bank: what is taken back, and the pin."""
    payment = payments.view(membership.client, reference, Look())
    stands, form = cancelling.shown(payment), SaidForm()
    if stands is None or not stands.offered:
        return goto(address(membership, payment))
    if not form.validate_on_submit():
        return _page(membership, payment, form)
    attempts.spend("pin.user", membership.user_id)
    try:
        cancelling.ask(membership, reference, form.pin.data or "", here(), psu())
    except PinWrong as error:
        form.pin.errors = [say(error)]
        return _page(membership, payment, form)
    except (PinLocked, PinMissing) as error:
        flash(say(error), "bad")
        return goto(f"/{membership.client.public_id}/pincode")
    except DomainError as error:
        return back(membership, reference, error)
    return _asked(membership, reference)


def _page(membership, payment: payments.Payment, form: SaidForm) -> Response:
    return page("payments/cancel.html", membership, payment, 422 if form.errors else 200, form=form)


def _asked(membership, reference: str) -> Response:
    """Cancelled, or on to where the bank wants it signed."""
    stands = cancelling.shown(payments.view(membership.client, reference, Look()))
    if stands is None or not stands.to_sign:
        return goto(address(membership, reference))
    try:
        step = signing.begin_signing(membership.client, membership.user, reference, psu())
    except DomainError as error:
        return back(membership, reference, error)
    return on(membership, reference, step)


@blueprint.post("/<client>/betalingen/<reference>/annuleren/stoppen")
@for_client(MAY_PAY)
def keep_payment(membership, reference):
    """Not cancel after all."""
    try:
        cancelling.stop(membership.client, membership.user, reference)
    except DomainError as error:
        return back(membership, reference, error)
    flash(_("De betaling blijft staan zoals hij stond."), "good")
    return goto(address(membership, reference))
