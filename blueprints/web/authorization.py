"""Authorization: each view of a client names the allowed roles. Another client's data is 404."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from flask import abort, current_app, flash, g, redirect, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, login_required
from htmx_flask import request
from werkzeug.exceptions import HTTPException

from blueprints.web import saved_forms
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import redirect_to
from blueprints.web.session_interface import secret
from blueprints.web.urls import safe_local_path, split_address
from domain.accounts import accounts, devices, sessions
from domain.common.errors import DeviceUnconfirmed
from domain.common.services import Psu
from domain.team import members, salary_visibility
from models import Membership
from models.states import ClientState, Role

ALL = frozenset({Role.OWNER, Role.APPROVER, Role.PREPARER})
MAY_PAY = frozenset({Role.OWNER, Role.APPROVER})
OWNER = frozenset({Role.OWNER})

_READS = ("GET", "HEAD", "OPTIONS")
# What members may still do for a client that is being closed: undo it, take their data, leave, and what is their own.
WHILE_CLOSING = frozenset({
    "settings.reopen_client", "settings.remove_account", "settings.download_own_data",
    "settings.download_employee_data", "settings.download_company_data", "settings.choose_language",
    "settings.revoke_session", "settings.revoke_other_sessions", "settings.save_notifications",
    "settings.disable_push", "settings.change_name", "settings.change_email",
    "settings.withdraw_email_change", "settings.change_password", "settings.passkey_options",
    "settings.add_passkey", "settings.rename_passkey", "settings.remove_passkey", "onboarding.set_pin",
    "onboarding.identify", "onboarding.confirm_code", "onboarding.recheck_authority",
})  # fmt: skip

login = LoginManager()


@login.user_loader
def _load_user(user_id: str) -> Any:
    return accounts.user_by_id(int(user_id))


@login.unauthorized_handler
def to_sign_in() -> Any:
    """Redirect to the login page, and from there back to the current page or the page of the form."""
    target = url_for("account.sign_in", verder=current_location())
    if request.htmx:
        return "", 401, {"HX-Redirect": target}
    return redirect(target, 303)


def member(public_id: str, roles: Iterable[str] = ALL) -> Membership:
    """Return the membership of this client; 404 without one, 403 for another role."""
    found = accounts.find_membership(current_user_row(), public_id)
    if found is None:
        abort(404)
    g.client, g.membership = found.client, found
    members.touch_membership(found)
    if found.role not in roles:
        abort(403)
    if found.client.state != ClientState.OPEN:
        _require_possible_while_closing()
    return found


def _require_possible_while_closing() -> None:
    """Lead to the overview, which says that the account is closed, instead of doing anything for it.

    Also from a page that only asks for an act: one whose address takes its form as well.
    """
    if not is_possible(request.path, reads=request.method in _READS):
        flash(_("Dit account is gesloten. Een eigenaar kan dat nog ongedaan maken."), "warn")
        abort(redirect_to(url_for("overview.overview")))


def is_possible(address: str, reads: bool = False) -> bool:
    """Return whether what is sent to this address is accepted: of a client that is being closed only WHILE_CLOSING is.

    `reads`: it is only opened. Then it is refused if it is a page for an act, which takes its own form.
    Pages show no button of what is refused, and no link to it (`possible` in templates). Addresses of no client, or of
    another one, are possible.
    """
    client, parts = g.get("client"), split_address(address)
    if client is None or client.state == ClientState.OPEN or parts.scheme or parts.netloc:
        return True
    try:
        rule, values = current_app.url_map.bind("").match(
            parts.path or request.path, method="GET" if reads else "POST", return_rule=True
        )
    except HTTPException:
        return True
    acts = "POST" in (rule.methods or ()) and rule.endpoint not in WHILE_CLOSING
    return values.get("client") != client.public_id or not acts


def require_lines(membership: Membership) -> None:
    """Abort with 403 if this member cannot see what each employee is paid."""
    if not salary_visibility.can_see_lines(membership.role, membership.client):
        abort(403)


def for_client(roles: Iterable[str] = ALL) -> Callable:
    """Require a membership with one of these roles. The view gets `membership`."""

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        @login_required
        def guarded(client: str, **kwargs: Any) -> Any:
            return view(membership=member(client, roles), **kwargs)

        return guarded

    return decorate




def recently_authenticated_keeping(*names: str, secret_too: bool = False) -> Callable:
    """Require a recent authentication, and restore these form fields afterwards. Never name a secret field.

    `secret_too`: the form has a secret field, so the person is told to fill it in again.
    """

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if sessions.is_recently_authenticated(secret()):
                return view(*args, **kwargs)
            back = current_location()
            if request.method == "POST":
                saved_forms.keep(back, names, secret_too)
            return redirect_to(url_for("account.reauthenticate", verder=back))

        return guarded

    return decorate


def confirmed_device(view: Callable) -> Callable:
    """Require a device that this person confirmed. Use inside `recently_authenticated`."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        device = sessions.device_of(secret())
        try:
            devices.require_confirmed(current_user_row(), device.id if device else None)
        except DeviceUnconfirmed:
            return redirect_to(url_for("account.unconfirmed_device", verder=current_location()))
        return view(*args, **kwargs)

    return guarded


def current_location() -> str:
    """Return the path to come back to: this page, or the page of the submitted form."""
    if request.method == "GET" and not request.htmx:
        return safe_local_path(request.full_path.rstrip("?")) or url_for("account.start")
    told = split_address(request.htmx.current_url or request.referrer or "")
    if told.netloc != request.host:  # no Referer: use the form's own URL, if it has a page
        return request.path if "GET" in (getattr(request.url_rule, "methods", None) or ()) else url_for("account.start")
    return safe_local_path(told.path + (f"?{told.query}" if told.query else "")) or url_for("account.start")


def psu() -> Psu:
    """Return the PSU data for the bank."""
    return Psu(request.remote_addr or "127.0.0.1", (request.user_agent.string or "")[:200] or None)
