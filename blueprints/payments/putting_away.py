"""*Niet betalen*: put a whole payment away, with the reason."""

from flask import flash
from flask_babel import gettext as _

from blueprints.payments.actions import MAY_BE_PUT_AWAY
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import PutAwayForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.web.acts import does
from blueprints.web.field_errors import redirect_with_errors
from blueprints.web.responses import redirect_to
from domain.common.errors import DomainError
from domain.payments import queries
from domain.payments.line_search import LineQuery
from domain.payments.putting_away import PutAway, put_away


@blueprint.route("/<client>/betalingen/<reference>/niet-betalen", methods=["GET", "POST"])
@does("put_away")
def put_payment_away(membership, reference):
    """Ask why, then put the payment away."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if payment.state not in MAY_BE_PUT_AWAY:
        return redirect_to(url_of(membership, reference))
    form = PutAwayForm()
    if not form.validate_on_submit():
        if form.is_submitted():
            return redirect_with_errors(form, url_of(membership, reference, "put_payment_away"))
        return render_sheet("payments/put_away.html", build_sheet(membership, payment), form=form)
    try:
        put_away(membership.client, membership.user, reference, PutAway(form.reason.data))
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    flash(_("Deze betaling wordt niet betaald. Je vindt de regels bij Niet betaald."), "good")
    return redirect_to(url_of(membership, reference))
