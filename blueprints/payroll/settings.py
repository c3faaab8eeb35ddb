"""The settings of one connection: the mapping of companies to accounts, and the webhooks."""

from flask import flash, url_for
from flask_babel import gettext as _
from htmx_flask import request

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.company_mapping import (
    NO_CHOICES,
    MappingChoices,
    all_companies,
    list_companies,
    parse_choices,
    parse_search,
    restrict_to_connection,
)
from blueprints.payroll.forms import ConfirmForm, MappingForm
from blueprints.payroll.presenters.status import connection_health
from blueprints.payroll.webhook import enqueue_webhook_checks, present_webhooks
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, for_client
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from domain.banking import bank_accounts
from domain.common.errors import AccountInvalid, DifferentKvkNumber
from domain.common.services import services
from domain.payroll import companies, connections, wage_tax, webhook_keys, webhook_registration
from jobs import enqueue
from models.states import RunKind


@blueprint.get("/<client>/apps/nmbrs/<int:connection_id>/instellingen")
@for_client(ALL)
def settings(membership, connection_id):
    """Show the page; htmx requests its parts: the company list while typing, and the webhook status."""
    client = membership.client
    connection = connections.connection_of(client, connection_id)
    view = connections.connection_view(connection)
    if request.htmx.target == "administraties":
        accounts = bank_accounts.accounts_for(client, RunKind.SALARY)
        found = list_companies(connection, parse_search(request.args), parse_choices(request.args), accounts)
        return render("payroll/_companies.html", client=client, connection=view, found=found, accounts=accounts)
    if request.htmx.target == "seintje":
        return render("payroll/_webhook.html", client=client, connection=view, **present_webhooks(client, connection))
    enqueue_webhook_checks(webhook_registration.schedule_webhook_check(connection))
    return _settings_page(membership, connection, NO_CHOICES, parse_search(request.args))


def _settings_page(membership, connection, choices: MappingChoices, search: str):
    client = membership.client
    accounts = bank_accounts.accounts_for(client, RunKind.SALARY)
    view = connections.connection_view(connection)
    return render(
        "payroll/settings.html",
        client=client,
        connection=view,
        form=MappingForm(),
        found=list_companies(connection, search, choices, accounts),
        accounts=accounts,
        health=connection_health(view),
        membership=membership,
        old_until=webhook_keys.previous_key_expires_at(client),
        rest_offered=services().rest_offered,
        **present_webhooks(client, connection),
    )


# --- saving the mapping ---
@blueprint.post("/<client>/apps/nmbrs/<int:connection_id>/instellingen")
@does("map_companies")
def save_mapping(membership, connection_id):
    """Search (without JavaScript) or save; companies with another KvK number need confirmation first."""
    connection = connections.connection_of(membership.client, connection_id)
    form, choices = MappingForm(), parse_choices(request.form)
    then = request.form.get("daarna", "")
    if not form.validate_on_submit() or then == "zoek":
        return _settings_page(membership, connection, choices, parse_search(request.form))
    choices = restrict_to_connection(connection, choices)
    try:
        if not choices.valid:
            raise AccountInvalid
        _save(membership, connection, choices, confirmed="confirmed" in request.form)
    except DifferentKvkNumber:
        return _confirm_page(membership, connection, choices, then)
    except AccountInvalid as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("payroll.settings", connection_id=connection.id))
    return _redirect_after_saving(membership, connection, then)


def _save(membership, connection, choices: MappingChoices, confirmed: bool) -> None:
    client, user = membership.client, membership.user
    mapped = companies.save_mapping(client, user, connection, choices.accounts, confirmed)
    for company_id, on in choices.wage_tax.items():
        enabled = on and choices.accounts.get(company_id, 1) is not None
        wage_tax.set_wage_tax_enabled(client, user, company_id, enabled)
    for company in mapped:
        enqueue("discover_runs", company.id)


def _redirect_after_saving(membership, connection, then: str):
    if then == "seintje":
        enqueue_webhook_checks(webhook_registration.request_webhooks(membership.client, membership.user, connection))
        return redirect_to(url_for("payroll.settings", connection_id=connection.id, _anchor="seintje"))
    enqueue_webhook_checks(webhook_registration.schedule_webhook_check(connection))
    flash(_("Opgeslagen."), "good")
    return redirect_to(url_for("payroll.overview"))


def _confirm_page(membership, connection, choices: MappingChoices, then: str):
    """Show companies with another KvK number, both numbers and a checkbox."""
    form = ConfirmForm()
    if "asked" in request.form:
        form.confirmed.errors = [_("Vink het vakje aan om door te gaan of ga terug.")]
    accounts = {account.id: account for account in bank_accounts.payable_accounts(membership.client)}
    others = [
        (view, accounts[account_id]) for view in all_companies(connection)
        if not view.same_kvk and view.account is None and (account_id := choices.accounts.get(view.id))
    ]
    return render(
        "payroll/confirm_company.html", 422 if form.confirmed.errors else 200, client=membership.client,
        connection=connections.connection_view(connection), form=form, others=others, choices=choices, then=then,
    )
