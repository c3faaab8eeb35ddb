from flask import Blueprint, flash, request
from flask_babel import gettext as _

from blueprints.access import ALL, for_client
from blueprints.answers import fragment, goto, render
from blueprints.nmbrs.forms import ConnectForm, MappingForm
from blueprints.nmbrs.words import reason_words, result_words
from blueprints.wake import wake
from blueprints.words import say
from domain import bank_links, nmbrs_link
from domain.errors import AccountInvalid, DomainError, NmbrsBadCredentials

blueprint = Blueprint("nmbrs", __name__)


@blueprint.get("/<client>/apps")
@for_client(ALL)
def apps(membership):
    return render("nmbrs/apps.html", connections=nmbrs_link.connections(membership.client))


@blueprint.get("/<client>/apps/nmbrs")
@for_client(ALL)
def overview(membership):
    """How the link stands, and what came of each run. The history follows by itself while a run is on its way."""
    client = membership.client
    connections = nmbrs_link.connections(client)
    history = [(row, result_words(row)) for row in nmbrs_link.history(client)] if connections else []
    return fragment(
        "nmbrs/overview.html",
        "nmbrs/_history.html",
        client=client,
        connections=[(one, reason_words(one.problem) if one.problem else "") for one in connections],
        history=history,
        moving=any(row.result in ("found", "retrying") for row, _words in history),
        last_delivery=nmbrs_link.last_delivery_at(client),
    )


@blueprint.route("/<client>/apps/nmbrs/toevoegen", methods=["GET", "POST"])
@for_client(ALL)
def connect(membership):
    client, form = membership.client, ConnectForm()
    if not form.validate_on_submit():
        return render("nmbrs/connect.html", 422 if form.errors else 200, form=form)
    try:
        connection = nmbrs_link.connect(client, membership.user, form.email.data or "", form.token.data or "")
    except DomainError as error:
        wrong = form.token if isinstance(error, NmbrsBadCredentials) else form.email
        wrong.errors = [say(error)]
        return render("nmbrs/connect.html", 422, form=form)
    flash(_("Verbinding maken gelukt!"), "done")
    return goto(f"/{client.public_id}/apps/nmbrs/{connection.id}/instellingen")


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/instellingen", methods=["GET", "POST"])
@for_client(ALL)
def settings(membership, connection_id):
    """Which account pays which company, and the webhook address with the steps in Nmbrs."""
    client, form = membership.client, MappingForm()
    connection = nmbrs_link.connection_of(client, connection_id)
    companies = nmbrs_link.companies(connection)
    if form.validate_on_submit():
        try:
            mapped = nmbrs_link.save_mapping(client, membership.user, connection, _choice(companies))
        except (AccountInvalid, ValueError):
            flash(say(AccountInvalid()), "bad")
            return goto(request.path)
        for company in mapped:
            wake("look", company.id)
        flash(_("Opgeslagen."), "good")
        return goto(f"/{client.public_id}/apps/nmbrs")
    accounts = bank_links.accounts(client)
    return render(
        "nmbrs/settings.html",
        form=form,
        connection=connection,
        companies=[(company, _proposed(company, companies, accounts)) for company in companies],
        accounts=accounts,
        address=nmbrs_link.webhook_address(client),
    )


def _choice(companies):
    """What was chosen, for the companies that are really there; an empty choice means: none."""
    fields = {company.id: request.form.get(f"company-{company.id}") for company in companies}
    return {key: int(value) if value else None for key, value in fields.items() if value is not None}


def _proposed(company, companies, accounts):
    """The account that pays now. Before anything is chosen: the only account, for the company with our KvK number."""
    if company.account:
        return company.account.id
    fresh = not any(one.account for one in companies)
    return accounts[0].id if fresh and company.same_kvk and len(accounts) == 1 else None
