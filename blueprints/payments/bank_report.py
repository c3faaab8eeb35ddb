"""Upload of a bank's report about a payment."""

from flask import abort, flash, request
from flask_babel import gettext as _

from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import url_of
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.web.authorization import MAY_PAY, for_client
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to
from domain.common.errors import BankFileRefused
from domain.payments import queries
from domain.payments.line_search import LineQuery
from domain.payments.state_machine import SENT
from domain.reconciliation import bank_reports

_FORM_BYTES = 64 * 1024  # size of the form around the file


@blueprint.route("/<client>/betalingen/<reference>/bestand", methods=["GET", "POST"])
@for_client(MAY_PAY)
def upload_report(membership, reference):
    """Import a status report or account statement; update the payment, or show why not."""
    request.max_content_length = bank_reports.MOST_BYTES + _FORM_BYTES
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if payment.state not in SENT:
        return redirect_to(url_of(membership, reference))
    sheet = build_sheet(membership, payment)
    if request.method == "GET":
        return render_sheet("payments/bank_report.html", sheet, problem="")
    given = request.files.get("bestand") or abort(400)
    try:
        bank_reports.import_report(
            membership.client, membership.user, reference, given.read(bank_reports.MOST_BYTES + 1)
        )
    except BankFileRefused as error:
        return render_sheet("payments/bank_report.html", sheet, 422, problem=message_for(error))
    flash(_("Het bestand is gelezen. Hieronder zie je hoe het ervoor staat."), "good")
    return redirect_to(url_of(membership, reference))
