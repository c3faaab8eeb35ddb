"""Manage one connection: new token or consent, migration to REST, removal."""

from flask import flash, url_for
from flask_babel import gettext as _

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.connecting import redirect_to_nmbrs
from blueprints.payroll.forms import TokenForm
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render
from domain.common.errors import DomainError, NotFound
from domain.common.services import services
from domain.payroll import connections
from jobs import enqueue
from models.states import NmbrsApi


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/token", methods=["GET", "POST"])
@does("link_nmbrs", secret_too=True)
def renew_token(membership, connection_id):
    """Replace the token of the Nmbrs user; the new one is tested before it is stored."""
    connection = connections.connection_of(membership.client, connection_id)
    form = TokenForm()
    if form.validate_on_submit():
        try:
            connections.renew_token(connection, membership.user, form.token.data or "")
        except DomainError as error:
            form.token.errors = [message_for(error)]
        else:
            enqueue("check_rights", connection.id)
            flash(_("Verbinding maken gelukt!"), "done")
            return redirect_to(url_for("payroll.permissions", connection_id=connection.id))
    return render(
        "payroll/renew_token.html", 422 if form.errors else 200, client=membership.client, form=form,
        connection=connections.connection_view(connection),
    )


@blueprint.post("/<client>/apps/nmbrs/<int:connection_id>/toestemming")
@does("link_nmbrs")
def renew_oauth(membership, connection_id):
    """Renew the consent of a REST connection: redirect to Nmbrs."""
    connection = connections.connection_of(membership.client, connection_id)
    here = url_for("payroll.settings", connection_id=connection.id)
    if connection.api != NmbrsApi.REST:
        return redirect_to(here)
    return redirect_to_nmbrs(membership, connection, here)


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/overstappen", methods=["GET", "POST"])
@does("end_nmbrs")
def migrate_to_rest(membership, connection_id):
    """Explain the migration to REST; on POST redirect to Nmbrs for consent."""
    connection = connections.connection_of(membership.client, connection_id)
    if not services().rest_offered or connection.api != NmbrsApi.SOAP:
        raise NotFound
    form = ActionForm()
    if form.validate_on_submit():
        return redirect_to_nmbrs(membership, connection, url_for("payroll.settings", connection_id=connection.id))
    return render(
        "payroll/migrate_to_rest.html", client=membership.client, form=form,
        connection=connections.connection_view(connection),
    )


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/verwijderen", methods=["GET", "POST"])
@does("end_nmbrs")
def remove_connection(membership, connection_id):
    """Explain what is deleted and what stays; on POST remove the connection."""
    connection = connections.connection_of(membership.client, connection_id)
    form = ActionForm()
    if form.validate_on_submit():
        connections.remove_connection(connection, membership.user)
        enqueue("revoke_tokens")
        flash(_("De verbinding is verwijderd. Er is niets betaald. Je betalingen blijven bewaard."), "good")
        return redirect_to(url_for("payroll.overview"))
    return render(
        "payroll/remove_connection.html", client=membership.client, form=form,
        connection=connections.connection_view(connection),
    )
