"""A file of the bank about a payment, handed in by a person."""

from flask import abort, flash, request
from flask_babel import gettext as _

from blueprints.access import MAY_PAY, for_client
from blueprints.answers import goto
from blueprints.payments.routes import blueprint, page
from blueprints.words import say
from domain import bank_files, payments
from domain.errors import BankFileRefused
from domain.found_lines import Look

SENT = ("sending", "at_bank", "signed", "executed", "partly_executed")


@blueprint.route("/<client>/betalingen/<reference>/bestand", methods=["GET", "POST"])
@for_client(MAY_PAY)
def bank_file(membership, reference):
    """Hand in what the bank gave: a status report or a statement; the payment follows it, or says why not."""
    request.max_content_length = bank_files.MOST_BYTES + 64 * 1024
    payment = payments.view(membership.client, reference, Look())
    here = f"/{membership.client.public_id}/betalingen/{payment.reference}"
    if payment.state not in SENT:
        return goto(here)
    if request.method == "GET":
        return page("payments/bank_report.html", membership, payment)
    given = request.files.get("bestand") or abort(400)
    try:
        bank_files.take(membership.client, membership.user, reference, given.read(bank_files.MOST_BYTES + 1))
    except BankFileRefused as error:
        return page("payments/bank_report.html", membership, payment, 422, problem=say(error))
    flash(_("Het bestand is gelezen. Hieronder zie je hoe het ervoor staat."), "good")
    return goto(here)
