"""The payday of one company: confirm what its payments propose, or choose by hand."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.forms import PaydayForm
from blueprints.payroll.presenters.payday import coming_text, payday_choices, payday_text, present_proposal
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, MAY_PAY
from blueprints.web.responses import redirect_to, render
from domain.payments.paydays import parse_payday
from domain.payroll import paydays
from models import PayrollCompany


@blueprint.route("/<client>/apps/nmbrs/administraties/<int:company_id>/betaaldag", methods=["GET", "POST"])
@does("set_payday", read_by=ALL)
def payday(membership, company_id):
    """Show the payday, and set it."""
    company = paydays.get_company(membership.client, company_id)
    form = PaydayForm(payday=company.payday)
    form.payday.choices = list(payday_choices().items())
    if form.validate_on_submit():
        paydays.set_payday(membership.client, membership.user, company.id, parse_payday(form.payday.data))
        flash(_("De betaaldag is opgeslagen."), "good")
        return redirect_to(url_for("payroll.settings", connection_id=company.connection_id))
    return _page(membership, company, form)


def _page(membership, company: PayrollCompany, form: PaydayForm):
    found = paydays.proposed_payday(company)
    proposal = found if found and str(found.payday) != company.payday else None
    if proposal and company.payday is None and request.method == "GET":
        form.payday.data = str(proposal.payday)
    coming = paydays.coming_payday(company)
    return render(
        "payroll/payday.html", 422 if form.errors else 200, company=company, form=form,
        may_set=membership.role in MAY_PAY, chosen=payday_text(company.payday),
        proposal=present_proposal(proposal) if proposal else None, coming=coming_text(coming) if coming else "",
    )  # fmt: skip
