"""Nmbrs webhooks: their status per debtor, and a new URL."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import flash, url_for
from flask_babel import gettext as _

from blueprints.payroll.blueprint import blueprint
from blueprints.payroll.forms import KEPT, AddressForm
from blueprints.payroll.presenters.status import webhook_status
from blueprints.web.acts import does
from blueprints.web.responses import redirect_to, render
from domain.payroll import connections, run_discovery, webhook_keys, webhook_registration
from domain.payroll.poll_schedule import REST_BUSY_SECONDS
from domain.payroll.webhook_registration import WebhookView
from jobs import enqueue
from models import Client, NmbrsConnection
from models.states import NmbrsApi, WebhookStatus


def present_webhooks(client: Client, connection: NmbrsConnection) -> dict[str, Any]:
    """Return the webhook of each debtor, the last delivery, and the last poll."""
    hooks = [] if connection.api == NmbrsApi.REST else webhook_registration.webhooks_of_connection(connection)
    delivered_at = webhook_registration.last_delivery_at(client)
    return {
        "hooks": [(one, webhook_status(one)) for one in hooks],
        "wanted": connection.webhooks_requested_at is not None,
        "installed": bool(hooks) and all(one.state == WebhookStatus.INSTALLED for one in hooks),
        "checking": any(one.checking for one in hooks),
        "manual_steps_open": _are_manual_steps_open(connection, hooks, webhook_came=delivered_at is not None),
        "delivered_at": delivered_at,
        "looked_at": run_discovery.last_polled_at(client.id),
        "minutes": REST_BUSY_SECONDS // 60,
        "address": webhook_keys.webhook_url(client),
    }


def _are_manual_steps_open(connection: NmbrsConnection, hooks: list[WebhookView], webhook_came: bool) -> bool:
    """Return whether the manual steps are expanded: until it works, unless the app is installing it."""
    if connection.webhooks_requested_at is None:
        return not webhook_came
    return not hooks or any(one.state in (WebhookStatus.NOT_ALLOWED, WebhookStatus.FAILED) for one in hooks)


def enqueue_webhook_checks(debtor_ids: Iterable[int]) -> None:
    for debtor_id in debtor_ids:
        enqueue("reconcile_webhook", debtor_id)


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/adres", methods=["GET", "POST"])
@does("link_nmbrs", "keep")
def rotate_webhook_address(membership, connection_id):
    """Create a new webhook URL; the old one remains valid for the chosen time."""
    client, connection = membership.client, connections.connection_of(membership.client, connection_id)
    form = AddressForm()
    if not form.validate_on_submit():
        return render(
            "payroll/rotate_webhook_address.html", 422 if form.errors else 200, client=client, form=form, choices=KEPT,
            connection=connections.connection_view(connection),
            old_until=webhook_keys.previous_key_expires_at(client),
        )
    webhook_keys.rotate_key(client, membership.user, timedelta(hours=int(form.keep.data or 0)))
    enqueue_webhook_checks(webhook_registration.reschedule_all_webhooks(client))
    flash(_("Het adres is vernieuwd."), "good")
    return redirect_to(url_for("payroll.settings", connection_id=connection.id, _anchor="seintje"))
