"""How the link stands, connecting, and the list of rights."""

from flask import flash, request
from flask_babel import gettext as _

from blueprints.payroll.blueprint import blueprint, home_of, place_of
from blueprints.payroll.forms import ConnectForm
from blueprints.payroll.history import history_of
from blueprints.payroll.presenters.permissions import check_words
from blueprints.payroll.presenters.status import connection_words
from blueprints.web.authorization import (
    ALL,
    for_client,
    recently_authenticated,
    recently_authenticated_keeping,
    signed_in,
)
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render, render_fragment
from domain.common.errors import DomainError, NmbrsBadCredentials
from domain.common.services import services
from domain.payroll import (
    companies,
    permission_check,
    rest_migration,
    run_discovery,
    webhook_registration,
)
from domain.payroll import (
    connections as nmbrs_link,
)
from jobs import enqueue


@blueprint.get("/<client>/apps")
@for_client(ALL)
def apps(membership):
    return render("payroll/apps.html", connections=nmbrs_link.connections(membership.client))


@blueprint.get("/<client>/apps/nmbrs")
@for_client(ALL)
def overview(membership):
    """How the link stands, and what came of each run. The history follows by itself while a run is on its way."""
    client = membership.client
    rows = nmbrs_link.connections(client)
    connections = [nmbrs_link.connection_view(row) for row in rows]
    delivered_at = webhook_registration.last_delivery_at(client)
    return render_fragment(
        "payroll/overview.html",
        "payroll/_history.html",
        client=client,
        connections=[(one, connection_words(one)) for one in connections],
        unmapped=companies.unmapped_runs(client) if connections else [],
        older=len(companies.runs_before_connection(client)) if connections else 0,
        unsignalled=[] if delivered_at else [one.id for one in rows if _unsignalled(one)],
        delivered_at=delivered_at,
        looked_at=run_discovery.last_polled_at(client.id),
        **history_of(client),
    )


def _unsignalled(connection) -> bool:
    """It pays, it could be told of runs, and nobody has asked for that yet."""
    asked = connection.interface == "rest" or connection.webhooks_wanted_at is not None
    return not asked and nmbrs_link.connection_view(connection).mapped > 0


# --- connecting ---
@blueprint.route("/<client>/apps/nmbrs/toevoegen", methods=["GET", "POST"])
@for_client(ALL)
@recently_authenticated_keeping("email", secret_too=True)
def connect(membership):
    client, form = membership.client, ConnectForm()
    offered = services().rest_offered and all(one.interface == "rest" for one in nmbrs_link.connections(client))
    if not form.validate_on_submit():
        return render("payroll/connect.html", 422 if form.errors else 200, form=form, rest_offered=offered)
    try:
        connection = nmbrs_link.connect(client, membership.user, form.email.data or "", form.token.data or "")
    except DomainError as error:
        wrong = form.token if isinstance(error, NmbrsBadCredentials) else form.email
        wrong.errors = [message_for(error)]
        return render("payroll/connect.html", 422, form=form, rest_offered=offered)
    enqueue("check_rights", connection.id)
    flash(_("Verbinding maken gelukt!"), "done")
    return redirect_to(place_of(client, connection, "rechten"))


@blueprint.post("/<client>/apps/nmbrs/toestemming")
@for_client(ALL)
@recently_authenticated
def consent(membership):
    """A first connection over the later interface: to Nmbrs, to allow it there."""
    return lead_to_nmbrs(membership, None, f"{home_of(membership.client)}/toevoegen")


def lead_to_nmbrs(membership, connection, otherwise: str):
    """To the page of Nmbrs where one allows it; or back to `otherwise`, with what is wrong."""
    try:
        return redirect_to(rest_migration.start_migration_oauth(membership.client, membership.user, connection))
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(otherwise)


@blueprint.get("/nmbrs/terug")
@signed_in
def came_back():
    """Back from Nmbrs, with its answer in the address."""
    client = rest_migration.client_of_oauth_state(request.args.get("state", ""))
    try:
        connection = rest_migration.complete_migration_oauth(current_user_row(), request.args.to_dict())
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(home_of(client) if client else "/apps/nmbrs")
    enqueue("check_rights", connection.id)
    flash(_("Verbinding maken gelukt!"), "done")
    # a first one has yet to be listed, which the page of the rights shows
    part = "instellingen" if nmbrs_link.connection_view(connection).mapped else "rechten"
    return redirect_to(place_of(connection.client, connection, part))


# --- what the token may do ---
@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/rechten", methods=["GET", "POST"])
@for_client(ALL)
def rights(membership, connection_id):
    """Each call that the product needs, tried one by one; the list fills while one looks. POST: once more."""
    connection = nmbrs_link.connection_of(membership.client, connection_id)
    if request.method == "POST":
        permission_check.recheck_permissions(connection)
        enqueue("check_rights", connection.id)
        return redirect_to(place_of(membership.client, connection, "rechten"))
    view = nmbrs_link.connection_view(connection)
    checks = permission_check.checks_of_connection(connection)
    return render_fragment(
        "payroll/rights.html",
        "payroll/_rights.html",
        client=membership.client,
        connection=view,
        going=view.checking or any(one.result == "waiting" for one in checks),
        checks=[check_words(one) for one in checks],
        tried=sum(one.result != "waiting" for one in checks),
        refused=[one for one in checks if one.result == "refused" and one.needed],
        troubled=any(one.result == "trouble" for one in checks),
    )
