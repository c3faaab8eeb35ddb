"""The permissions of a connection's credentials at Nmbrs."""

from flask import request, url_for

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.presenters.permissions import permission_row
from blueprints.web.authorization import ALL, for_client
from blueprints.web.responses import redirect_to, render_fragment
from domain.payroll import connections, permission_check
from jobs import enqueue
from models.states import CheckResult


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/rechten", methods=["GET", "POST"])
@for_client(ALL)
def permissions(membership, connection_id):
    """Show the result of each required call while they are tested; on POST test again."""
    connection = connections.connection_of(membership.client, connection_id)
    if request.method == "POST":
        permission_check.recheck_permissions(connection)
        enqueue("check_rights", connection.id)
        return redirect_to(url_for("payroll.permissions", connection_id=connection.id))
    view = connections.connection_view(connection)
    checks = permission_check.checks_of_connection(connection)
    return render_fragment(
        "payroll/permissions.html",
        "payroll/_permissions.html",
        client=membership.client,
        connection=view,
        going=view.checking or any(one.result == CheckResult.WAITING for one in checks),
        checks=[permission_row(one) for one in checks],
        tried=sum(one.result != CheckResult.WAITING for one in checks),
        refused=[one for one in checks if one.result == CheckResult.REFUSED and one.needed],
        troubled=any(one.result == CheckResult.ERROR for one in checks),
    )
