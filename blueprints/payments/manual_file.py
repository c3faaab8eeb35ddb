"""Without a bank link: taking the file, and saying what the bank did with it."""

from flask import Response, flash, request
from flask_babel import gettext as _

from blueprints.access import MAY_PAY, approving, for_client
from blueprints.answers import goto
from blueprints.payments.forms import SaidForm
from blueprints.payments.routes import address, back, blueprint, page
from blueprints.proving import here
from blueprints.words import say
from domain import attempts, by_hand, payments
from domain.errors import DomainError, PinLocked, PinMissing, PinWrong
from domain.found_lines import Look

VERDICTS = {"betaald": by_hand.PAID, "geweigerd": by_hand.REFUSED}


@blueprint.route("/<client>/betalingen/<reference>/bestand.xml", methods=["GET", "POST"])
@for_client(MAY_PAY)
def take_file(membership, reference):
    """The file. By a press only: from then on the bank may have it, so a look, or a browser that fetches
    ahead, takes nothing and leads to the payment."""
    payment = payments.view(membership.client, reference, Look())
    if request.method == "GET":
        return goto(address(membership, payment))
    try:
        name, body = by_hand.take_file(membership, reference)
    except DomainError as error:
        return back(membership, reference, error)
    answer = Response(body, mimetype="application/xml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"betaling-{name}.xml")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/<client>/betalingen/<reference>/gemeld/<any(betaald, geweigerd):verdict>", methods=["GET", "POST"])
@for_client(MAY_PAY)
@approving
def say_of_file(membership, reference, verdict):
    """What the person saw at the bank, proved with the pin."""
    payment = payments.view(membership.client, reference, Look())
    hand, form = by_hand.shown(payment), SaidForm()
    if hand is None or not hand.may_say:
        return goto(address(membership, payment))
    if not form.validate_on_submit():
        return _said_page(membership, payment, verdict, form)
    attempts.spend("pin.user", membership.user_id)
    try:
        by_hand.say(membership, reference, VERDICTS[verdict], form.pin.data or "", here())
    except PinWrong as error:
        form.pin.errors = [say(error)]
        return _said_page(membership, payment, verdict, form)
    except (PinLocked, PinMissing) as error:
        flash(say(error), "bad")
        return goto(f"/{membership.client.public_id}/pincode")
    except DomainError as error:
        return back(membership, reference, error)
    flash(_("Dat is vastgelegd. Hieronder zie je hoe het ervoor staat."), "good")
    return goto(address(membership, reference))


def _said_page(membership, payment: payments.Payment, verdict: str, form: SaidForm) -> Response:
    return page(
        "payments/report_outcome.html", membership, payment, 422 if form.errors else 200, form=form, verdict=verdict
    )  # fmt: skip
