"""*Niet betaald*: what was rejected, returned or excluded in all payments, and putting it into a payment."""

from flask import abort, flash, request, url_for
from flask_babel import gettext as _

from blueprints.payments.blueprint import blueprint
from blueprints.payments.page import payment_url
from blueprints.payments.presenters.excess import excess_task
from blueprints.payments.presenters.unpaid import present_unpaid
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, MAY_PAY, for_client
from blueprints.web.responses import redirect_to, render
from domain.payments import excess_views
from domain.payroll import unpaid, unpaid_payment
from domain.payroll.unpaid_payment import Choice
from domain.team import salary_visibility
from models.verdicts import NEVER


@blueprint.get("/<client>/betalingen/niet-betaald")
@for_client(ALL)
def list_unpaid(membership):
    """List what is owed and was not paid, with reason and next step."""
    lines = salary_visibility.redact_unpaid(membership, unpaid.unpaid_lines(membership.client))
    hidden = not salary_visibility.can_see_lines(membership.role, membership.client)
    can_pay = membership.role in MAY_PAY
    waiting = excess_views.waiting_for(membership.client, membership.user) if can_pay else []
    return render(
        "payments/unpaid.html", sections=present_unpaid(lines, can_pay, hidden), hidden=hidden,
        waiting=[excess_task(one) for one in waiting],
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/niet-betaald/<int:run_id>")
@does("reopen")
def pay_unpaid(membership, run_id):
    """Put the chosen lines of a run into a payment; it is reviewed and approved like any other."""
    chosen, key = request.form.get("choice", Choice.PAYABLE.value), request.form.get("line") or None
    if chosen not in list(Choice):
        abort(400)
    prepared = unpaid_payment.pay_unpaid(membership.client, membership.user, run_id, Choice(chosen), key)
    if prepared.batch is None:
        flash(_("Hiervan hoeft niets meer te worden betaald. Hieronder zie je de status."))
        return redirect_to(url_for("payments.list_unpaid"))
    if prepared.new:
        flash(_("De betaling staat klaar. Controleer de betaling en keur die goed. Er is nog niets betaald."), "good")
    else:
        flash(_("Dit stond al klaar in deze betaling."))
    return redirect_to(payment_url(membership.client.public_id, prepared.batch.reference))


@blueprint.post("/<client>/betalingen/niet-betaald/<int:run_id>/niet")
@does("leave_unpaid")
def leave_unpaid(membership, run_id):
    """Decide that a line that was left out to be paid later is not paid. It can still be put into a payment."""
    key = request.form.get("line", "")
    if unpaid_payment.decide_left_out(membership.client, membership.user, run_id, key, NEVER):
        flash(_("Deze regel wordt niet betaald. Je kunt de regel hier alsnog klaarzetten."), "good")
    else:
        flash(_("Hiervan hoeft niets meer te worden betaald. Hieronder zie je de status."))
    return redirect_to(url_for("payments.list_unpaid"))
