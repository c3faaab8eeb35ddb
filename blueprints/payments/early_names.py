"""Names that were checked before the payment: take over the bank's."""

from flask import request
from flask_babel import gettext as _

from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import render_current, render_problem
from blueprints.web.acts import does
from domain.common.errors import DomainError
from domain.payments.name_takeovers import take_over_name


@blueprint.post("/<client>/betalingen/<reference>/namen-vooraf/<int:line_id>")
@does("take_over_name")
def take_over_early_name(membership, reference, line_id):
    """Have the order bear the name that the bank gave, in this payment and in later ones."""
    seen = request.form.get("naam", "")
    try:
        take_over_name(membership.client, membership.user, reference, line_id, seen)
    except DomainError as error:
        return render_problem(membership, reference, error)
    said = _("De naam van de bank wordt gebruikt, ook bij volgende betalingen.")
    return render_current(membership, reference, spoken=said, done=said, focus=True)
