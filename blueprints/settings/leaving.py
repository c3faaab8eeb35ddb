"""Leaving: a member removes the own account, an owner closes that of the company."""

from flask import Response, flash, session, url_for
from flask_babel import gettext as _
from flask_login import logout_user

from blueprints.settings.forms import PinConfirmForm
from blueprints.settings.routes import blueprint
from blueprints.web import session_interface
from blueprints.web.acts import does, does_alone
from blueprints.web.error_messages import account_needed, client_busy, message_for
from blueprints.web.field_errors import redirect_with_wrong_pin
from blueprints.web.responses import redirect_to, render
from blueprints.web.step_up import current_device
from domain.accounts import accounts, pins, rate_limits
from domain.common.errors import AccountNeeded, DomainError, PinLocked, PinMissing, PinWrong, StateConflict
from domain.common.services import services
from domain.payroll import unpaid
from domain.team import account_removal, client_closing
from jobs import enqueue
from models import Membership, User


@blueprint.route("/<client>/instellingen/account-verwijderen", methods=["GET", "POST"])
@does("remove_account")
def remove_account(membership):
    """Show what goes and what stays; remove the account with the PIN, and sign out."""
    form = PinConfirmForm()
    if not form.validate_on_submit():
        return _removal_page(membership, form)
    user = membership.user
    rate_limits.consume_attempt("pin.user", user.id)
    try:
        account_removal.remove_account(user, form.pin.data or "", current_device())
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("onboarding.set_pin"))
    except AccountNeeded:
        rate_limits.reset_attempts("pin.user", user.id)
        return _removal_page(membership, PinConfirmForm(formdata=None), 422)
    rate_limits.reset_attempts("pin.user", user.id)
    enqueue("send_mails")
    return _signed_out()


@blueprint.route("/account-verwijderen", methods=["GET", "POST"])
@does_alone("remove_account")
def remove_account_alone(user):
    """The same for somebody who belongs to no company (any more), such as after it was closed."""
    member, form = accounts.first_membership(user), PinConfirmForm()
    if member is not None:
        return redirect_to(url_for("settings.remove_account", client=member.client.public_id))
    known = pins.has_pin(user)
    if not known:
        del form.pin
    if not form.validate_on_submit():
        return _page_alone(user, form)
    rate_limits.consume_attempt("pin.user", user.id)
    try:
        account_removal.remove_account(user, (form.pin.data or "") if known else "", current_device())
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except PinLocked:
        flash(_("Je pincode is geblokkeerd op dit apparaat. Doe dit op een ander apparaat of mail ons."), "bad")
        return _page_alone(user, form, 422)
    rate_limits.reset_attempts("pin.user", user.id)
    enqueue("send_mails")
    return _signed_out()


def _page_alone(user: User, form: PinConfirmForm, status: int = 200) -> Response:
    urls = url_for("settings.remove_account_alone"), url_for("overview.all_clients")
    return _page_of_removal(user, form, status, *urls)


def _removal_page(membership: Membership, form: PinConfirmForm, status: int = 200) -> Response:
    urls = url_for("settings.remove_account"), url_for("settings.show_personal_data")
    return _page_of_removal(membership.user, form, status, *urls)


def _page_of_removal(user: User, form: PinConfirmForm, status: int, action: str, close: str) -> Response:
    found = account_removal.obstacles(user)
    return render(
        "settings/remove_account.html", max(form.status, status), form=form, action=action, close=close,
        obstacles=[account_needed(one.why, one.company) for one in found],
        acted=account_removal.has_acted(user), kept_years=services().kept_years,
    )  # fmt: skip


def _signed_out() -> Response:
    logout_user()
    session.clear()
    session_interface.renew()
    flash(_("Je account is verwijderd. Je krijgt nog één mail ter bevestiging."), "good")
    response = redirect_to(url_for("account.sign_in"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.route("/<client>/instellingen/sluiten", methods=["GET", "POST"])
@does("close_client")
def close_client(membership):
    """Show what closing means, offer the export, and close the account of the company with the PIN."""
    form = PinConfirmForm()
    if not form.validate_on_submit():
        return _closing_page(membership, form)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        client_closing.close_client(membership, form.pin.data or "", current_device())
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("onboarding.set_pin"))
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("settings.settings"))
    rate_limits.reset_attempts("pin.user", membership.user_id)
    enqueue("end_links", membership.client_id)
    enqueue("send_mails")
    return redirect_to(url_for("overview.overview"))


def _closing_page(membership: Membership, form: PinConfirmForm) -> Response:
    found = client_closing.obstacles_to_closing(membership.client)
    return render(
        "settings/close_client.html", form.status, form=form, days=client_closing.UNDO_FOR.days,
        obstacles=[client_busy(one) for one in found], kept_years=services().kept_years,
        unpaid=len(unpaid.unpaid_lines(membership.client)),
    )  # fmt: skip


@blueprint.post("/<client>/instellingen/sluiten/ongedaan")
@does("reopen_client")
def reopen_client(membership):
    """Undo the closing."""
    try:
        client_closing.reopen_client(membership)
    except StateConflict:
        return redirect_to(url_for("settings.settings"))
    enqueue("send_mails")
    flash(_("Het account is weer open. Koppel je bank en Nmbrs opnieuw."), "good")
    return redirect_to(url_for("overview.overview"))
