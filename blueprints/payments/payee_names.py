"""Payee names that do not match (verification of payee): accept the bank's name, exclude the line, or confirm all."""

from flask import abort, request
from flask_babel import gettext as _

from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import render_current, render_problem
from blueprints.payments.forms import PayForm
from blueprints.web.authorization import MAY_PAY, for_client, psu
from domain.common.errors import DomainError
from domain.orders import payee_verification
from domain.payments import queries
from domain.payments.digest import require_same
from models import Membership


@blueprint.post("/<client>/betalingen/<reference>/namen/<int:line_id>")
@for_client(MAY_PAY)
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
        return render_current(membership, reference, spoken=_("De naam van de bank is bewaard voor de volgende keer."))
    return render_current(membership, reference, focus=True)


@blueprint.post("/<client>/betalingen/<reference>/namen")
@for_client(MAY_PAY)
def confirm_names(membership, reference):
    """Confirm the payment despite the mismatches."""
    try:
        _require_shown(membership, reference)
        payee_verification.confirm_despite_mismatch(membership.client, membership.user, reference, psu())
    except DomainError as error:
        return render_problem(membership, reference, error)
    return render_current(membership, reference, focus=True)


def _require_shown(membership: Membership, reference: str) -> None:
    """Check that the page showed the current names; a new order has other ones.

    Raises:
    - BatchChanged
    """
    require_same(PayForm().shown.data or "", queries.get_payment(membership.client, reference).digest)
