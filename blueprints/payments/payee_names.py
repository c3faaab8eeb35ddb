"""Names that the bank knows otherwise: taking one over, not paying a line, or going on."""

from flask import abort, request
from flask_babel import gettext as _

from blueprints.access import MAY_PAY, for_client, psu
from blueprints.payments.forms import PayForm
from blueprints.payments.routes import as_it_stands, blueprint
from blueprints.words import say
from domain import name_checks, payments
from domain.errors import BatchChanged, DomainError, NotFound


def _require_shown(membership, reference):
    """What is decided is about the names that the page showed: an order that was made anew has others."""
    if PayForm().shown.data != payments.view(membership.client, reference).digest:
        raise BatchChanged


@blueprint.post("/<client>/betalingen/<reference>/namen/<int:line_id>")
@for_client(MAY_PAY)
def judge_name(membership, reference, line_id):
    """Naam van de bank overnemen, or Regel niet betalen."""
    who, choice = (membership.client, membership.user, reference, line_id), request.form.get("keuze")
    try:
        _require_shown(membership, reference)
        if choice == "overnemen":
            name_checks.accept(*who)
        elif choice == "niet-betalen":
            name_checks.strike(*who, psu())
        else:
            abort(400)
    except NotFound:
        raise
    except DomainError as error:
        return as_it_stands(membership, reference, say(error), up=True)
    if choice == "overnemen":
        return as_it_stands(membership, reference, spoken=_("De naam van de bank is bewaard voor de volgende keer."))
    return as_it_stands(membership, reference, up=True)


@blueprint.post("/<client>/betalingen/<reference>/namen")
@for_client(MAY_PAY)
def go_on_with_names(membership, reference):
    """Toch zo betalen."""
    try:
        _require_shown(membership, reference)
        name_checks.go_on(membership.client, membership.user, reference, psu())
    except NotFound:
        raise
    except DomainError as error:
        return as_it_stands(membership, reference, say(error), up=True)
    return as_it_stands(membership, reference, up=True)
