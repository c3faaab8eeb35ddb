"""Amend a payment before approval: its lines, date and account; and acknowledge its warnings."""

from dataclasses import replace
from datetime import date
from functools import partial

from flask import Response, abort, flash
from flask_babel import gettext as _
from htmx_flask import request

from blueprints.payments.actions import EDITABLE
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import render_current, render_problem, url_of
from blueprints.payments.forms import ChangeForm
from blueprints.payments.line_query import parse_query, query_values
from blueprints.payments.page import build_page, build_sheet, present_warnings, render_page, render_sheet
from blueprints.payments.presenters.calendar import first_monday, present_account, present_calendar
from blueprints.payments.presenters.lines import (
    decision_announcement,
    inclusion_announcement,
    paid_before,
    present_line,
)
from blueprints.payments.presenters.warnings import overpaid
from blueprints.payroll.presenters.held_lines import present_held_lines
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, MAY_PAY, require_lines
from blueprints.web.choices import choices
from blueprints.web.error_messages import message_for
from blueprints.web.responses import dense, redirect_to
from domain.banking import bank_accounts
from domain.common.errors import BatchChanged, DateInvalid, DomainError, NotFound
from domain.payments import amendments, queries
from domain.payments.line_search import LineQuery
from domain.payments.line_verdicts import VERDICTS
from domain.payments.payment_views import Payment
from models import Membership

# --- lines ---
_DECISIONS = {
    "refuse": amendments.exclude_line,
    "accept": amendments.include_line,
    "person": amendments.exclude_rest_of_person,
    **{verdict: partial(amendments.exclude_line, verdict=verdict) for verdict in VERDICTS},
}


@blueprint.post("/<client>/betalingen/<reference>/regels/<int:line_id>")
@does("amend")
def decide_line(membership, reference, line_id):
    """Exclude (✗) or include (✓) a line, or say why it is excluded; update the line, the total and the button."""
    decide = _DECISIONS.get(request.args.get("verdict", ""))
    if decide is None:
        abort(400)
    require_lines(membership)
    try:
        decision = decide(membership.client, membership.user, reference, line_id)
    except DomainError as error:
        return render_problem(membership, reference, error)
    query = parse_query(membership)
    if not request.htmx:
        return redirect_to(url_of(membership, reference, **query_values(query), _anchor=f"regel-{line_id}"))
    payment = queries.get_payment(membership.client, reference, query)
    if request.form.get("shown") != decision.before or payment.digest != decision.after:
        # someone else changed it too: the button must not get the digest of lines that this page shows differently
        return render_current(membership, reference, message_for(BatchChanged()), focus=True, payment=payment)
    line = queries.get_line(payment.id, line_id)
    announcement = decision_announcement(line, payment)
    if not decision.alone:
        return render_current(membership, reference, spoken=announcement, payment=payment)
    page = build_page(membership, payment)
    row = present_line(line, payment, page.url)
    return dense(render_page("payments/_line_update.html", page, row=row, announcement=announcement))


@blueprint.post("/<client>/betalingen/<reference>/alles")
@does("amend")
def include_all(membership, reference):
    """Include all excluded lines again."""
    require_lines(membership)
    try:
        count = amendments.include_all_lines(membership.client, membership.user, reference)
    except DomainError as error:
        return render_problem(membership, reference, error)
    payment = queries.get_payment(membership.client, reference, parse_query(membership))
    done = inclusion_announcement(payment, count)
    return render_current(membership, reference, spoken=done, done=done, payment=payment)


# --- date and account ---
@blueprint.route("/<client>/betalingen/<reference>/wijzigen", methods=["GET", "POST"])
@does("amend")
def change(membership, reference):
    """Change the execution date or the debtor account."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if payment.state not in EDITABLE:
        return redirect_to(url_of(membership, reference))
    accounts = bank_accounts.accounts_for(membership.client, payment.kind)
    form = ChangeForm(account=payment.account.id)
    form.account.choices = choices({account.id: account.iban for account in accounts})
    if form.validate_on_submit() and _is_changed(membership, payment, form):
        flash(_("De betaling is aangepast."), "good")
        return redirect_to(url_of(membership, reference))
    return _change_page(membership, payment, form, accounts)


def _is_changed(membership: Membership, payment: Payment, form: ChangeForm) -> bool:
    """Change date and account, or set the error on the field. An unchanged proposed date stays automatic."""
    day = form.execution_date.data
    if day == payment.execution_date and not payment.date_fixed:
        day = None
    try:
        amendments.change_date_and_account(
            membership.client, membership.user, payment.reference, day, form.account.data
        )
    except DomainError as error:
        if isinstance(error, NotFound):
            raise
        field = form.execution_date if isinstance(error, DateInvalid) else form.account
        field.errors = [message_for(error)]
        return False
    return True


def _change_page(membership: Membership, payment: Payment, form: ChangeForm, accounts: list) -> Response:
    """Show the requested weeks, or those around the currently chosen date."""
    asked = request.args.get("execution_date", type=date.fromisoformat)
    chosen = form.execution_date.data or asked or payment.execution_date
    weeks = queries.calendar(replace(payment, execution_date=chosen), first_monday(request.args.get("vanaf"), chosen))
    sheet = build_sheet(membership, payment)
    return render_sheet(
        "payments/change.html", sheet, 422 if form.errors else 200, form=form,
        shown=present_calendar(weeks, chosen, sheet.url),
        accounts=[present_account(one, payment.total_cents, form.account.data) for one in accounts],
    )  # fmt: skip


# --- warnings ---
@blueprint.route("/<client>/betalingen/<reference>/lezen", methods=["GET", "POST"])
@does("acknowledge", read_by=ALL)
def acknowledge_warnings(membership, reference):
    """Show the warnings that must be read before paying. An approver acknowledges them."""
    payment = queries.get_payment(membership.client, reference)
    if request.method == "POST":
        if membership.role not in MAY_PAY:
            abort(403)
        amendments.open_cautions(membership.client, membership.user, reference, request.form.getlist("seen"))
        return redirect_to(url_of(membership, reference))
    if not payment.cautions:
        return redirect_to(url_of(membership, reference))
    sheet = build_sheet(membership, payment)
    return render_sheet(
        "payments/warnings.html", sheet, warnings=present_warnings(sheet), overpaid=overpaid(sheet.payment),
        changed=[(one, paid_before(one)) for one in sheet.payment.lines if one.already_paid_cents is not None],
        held=present_held_lines(sheet.payment.beside.held),
    )  # fmt: skip
