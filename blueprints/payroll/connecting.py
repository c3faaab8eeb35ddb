"""Connect to Nmbrs: with an API token (SOAP), or by OAuth (REST)."""

from flask import flash, request, url_for
from flask_babel import gettext as _
from flask_login import login_required

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.forms import ConnectForm
from blueprints.web.acts import does
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from domain.common.errors import DomainError, NmbrsBadCredentials
from domain.common.services import services
from domain.payroll import connections, rest_migration
from jobs import enqueue
from models import Client
from models.states import NmbrsApi


@blueprint.route("/<client>/apps/nmbrs/toevoegen", methods=["GET", "POST"])
@does("link_nmbrs", "email", secret_too=True)
def connect(membership):
    """Connect with e-mail address and token of a Nmbrs user."""
    client, form = membership.client, ConnectForm()
    offered = services().rest_offered and all(one.api == NmbrsApi.REST for one in connections.connections(client))
    if not form.validate_on_submit():
        return render("payroll/connect.html", 422 if form.errors else 200, form=form, rest_offered=offered)
    try:
        connection = connections.connect(client, membership.user, form.email.data or "", form.token.data or "")
    except DomainError as error:
        wrong = form.token if isinstance(error, NmbrsBadCredentials) else form.email
        wrong.errors = [message_for(error)]
        return render("payroll/connect.html", 422, form=form, rest_offered=offered)
    enqueue("check_rights", connection.id)
    flash(_("Verbinding maken gelukt!"), "done")
    return redirect_to(url_for("payroll.permissions", connection_id=connection.id))


@blueprint.post("/<client>/apps/nmbrs/toestemming")
@does("link_nmbrs")
def start_oauth(membership):
    """Start a first REST connection: redirect to Nmbrs for consent."""
    return redirect_to_nmbrs(membership, None, url_for("payroll.connect"))


def redirect_to_nmbrs(membership, connection, otherwise: str):
    """Redirect to the consent page of Nmbrs, or to `otherwise` with an error message."""
    try:
        return redirect_to(rest_migration.start_migration_oauth(membership.client, membership.user, connection))
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(otherwise)


@blueprint.get("/nmbrs/terug")
@login_required
def oauth_return():
    """Receive the OAuth redirect from Nmbrs."""
    client = rest_migration.client_of_oauth_state(request.args.get("state", ""))
    try:
        connection = rest_migration.complete_migration_oauth(current_user_row(), request.args.to_dict())
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(_overview_of(client))
    enqueue("check_rights", connection.id)
    flash(_("Verbinding maken gelukt!"), "done")
    # a new connection first shows its permissions, while its companies are read
    view = "settings" if connections.connection_view(connection).mapped else "permissions"
    return redirect_to(url_for(f"payroll.{view}", client=connection.client.public_id, connection_id=connection.id))


def _overview_of(client: Client | None) -> str:
    """Return the URL for this client, or for the last used one."""
    return url_for("payroll.overview", client=client.public_id) if client else url_for("shortcuts.to_apps_nmbrs")
