"""The apps, and the status of the connection to Nmbrs."""

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.history import history_of
from blueprints.payroll.presenters.status import connection_health
from blueprints.web.authorization import ALL, for_client
from blueprints.web.responses import render, render_fragment
from domain.payroll import companies, connections, run_discovery, webhook_registration
from models.states import NmbrsApi


@blueprint.get("/<client>/apps")
@for_client(ALL)
def apps(membership):
    return render("payroll/apps.html", connections=connections.connections(membership.client))


@blueprint.get("/<client>/apps/nmbrs")
@for_client(ALL)
def overview(membership):
    """Show the connections and the result of each run. The history polls while a run is in progress."""
    client = membership.client
    rows = connections.connections(client)
    views = [connections.connection_view(row) for row in rows]
    delivered_at = webhook_registration.last_delivery_at(client)
    return render_fragment(
        "payroll/overview.html",
        "payroll/_history.html",
        client=client,
        connections=[(one, connection_health(one)) for one in views],
        unmapped=companies.unmapped_runs(client) if rows else [],
        older=len(companies.runs_before_connection(client)) if rows else 0,
        webhook_not_requested=[] if delivered_at else [one.id for one in rows if _could_request_webhook(one)],
        delivered_at=delivered_at,
        looked_at=run_discovery.last_polled_at(client.id),
        **history_of(client),
    )


def _could_request_webhook(connection) -> bool:
    """Return whether the connection is in use and supports webhooks, but none was requested."""
    asked = connection.api == NmbrsApi.REST or connection.webhooks_requested_at is not None
    return not asked and connections.connection_view(connection).mapped > 0
