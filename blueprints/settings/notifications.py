"""Push notifications: in this browser or not, and of which events."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.settings.presenter import NOTIFICATION_KINDS
from blueprints.settings.routes import blueprint
from blueprints.web.authorization import ALL, for_client
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from blueprints.web.step_up import current_device
from domain.accounts import push_subscriptions
from domain.common.errors import InvalidSubscription
from domain.common.services import services
from domain.outbox import push


@blueprint.get("/<client>/instellingen/meldingen")
@for_client(ALL)
def show_notifications(membership):
    device = current_device()
    return render(
        "settings/notifications.html", kinds=NOTIFICATION_KINDS, enabled_kinds=push.enabled_kinds(membership.user),
        is_on=bool(device and push_subscriptions.is_subscribed(device)), key=services().pusher.public_key,
    )  # fmt: skip


@blueprint.post("/<client>/instellingen/meldingen")
@for_client(ALL)
def save_notifications(membership):
    """Save the events for all browsers of this person. Browsers do not send an unchecked box."""
    push.set_enabled_kinds(membership.user, set(request.form.getlist("kind")) & set(push.KINDS))
    flash(_("Opgeslagen."), "good")
    return _redirect_back()


@blueprint.post("/<client>/instellingen/meldingen/aan")
@for_client(ALL)
def enable_push(membership):
    """Store the subscription that this browser has just made."""
    device = current_device()
    try:
        if device is None:
            raise InvalidSubscription
        push_subscriptions.subscribe(membership.user, device, request.form.get("subscription", ""))
    except InvalidSubscription as error:
        flash(message_for(error), "bad")
    else:
        flash(_("Meldingen staan aan op dit apparaat."), "good")
    return _redirect_back()


@blueprint.post("/<client>/instellingen/meldingen/uit")
@for_client(ALL)
def disable_push(membership):
    device = current_device()
    if device is not None:
        push_subscriptions.unsubscribe(membership.user, device)
    flash(_("Meldingen staan uit op dit apparaat."), "good")
    return _redirect_back()


def _redirect_back():
    return redirect_to(url_for("settings.show_notifications"))
