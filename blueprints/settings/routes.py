from flask import Blueprint, flash, url_for
from flask_babel import gettext as _
from flask_babel import ngettext, refresh

from blueprints.settings import presenter
from blueprints.settings.forms import LanguageForm, PaymentPreferencesForm
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, for_client
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import redirect_to, render
from blueprints.web.session_interface import secret
from blueprints.web.step_up import current_device
from domain.accounts import accounts, passkeys, pins, sessions
from domain.banking import bank_accounts
from domain.payments import payee_answers, payment_preferences, usual_payments
from models.states import Role

blueprint = Blueprint("settings", __name__)

MAX_SESSIONS = 10  # listed


@blueprint.get("/<client>/instellingen")
@for_client(ALL)
def settings(membership):
    """Show membership, limits, login methods, sessions, help and logout."""
    client, user, device = membership.client, membership.user, current_device()
    found = sessions.list_sessions(user, secret())
    return render(
        "settings/settings.html",
        is_owner=membership.role == Role.OWNER,
        own_name=user.name, own_email=presenter.own_email(user), own_facts=presenter.own_facts(membership),
        members=[presenter.member_task(one, membership) for one in accounts.members_of(client)],
        others=[
            presenter.other_account_task(one) for one in accounts.memberships_of(user)
            if one.client_id != membership.client_id
        ],
        limits=[presenter.limits_task(one) for one in bank_accounts.payable_accounts(client)],
        preferences=PaymentPreferencesForm(obj=client, name_check=client.vop_enabled),
        preference_facts=presenter.preference_facts(client),
        sessions=[(one, presenter.session_task(one)) for one in found[:MAX_SESSIONS]],
        has_other_sessions=len(found) > 1,
        passkeys=len(passkeys.list_passkeys(user)),
        pin_known=pins.has_pin(user),
        pin_locked=pins.is_pin_locked(user, device.id if device else None),
    )


@blueprint.post("/<client>/instellingen/elders-uitloggen")
@does("sessions")
def revoke_other_sessions(membership):
    """End all other sessions of this person."""
    ended = sessions.revoke_other_sessions(membership.user, secret())
    done = ngettext("Je bent uitgelogd op %(num)s ander apparaat.", (
        "Je bent uitgelogd op %(num)s andere apparaten."
    ), ended)
    flash(done if ended else _("Er zijn geen andere actieve sessies."), "good")
    return redirect_to(url_for("settings.settings"))


@blueprint.post("/<client>/instellingen/bank")
@does("wishes", "batch_booking", "name_check", "payees_asked_by_other", "usual_span_percent")
def save_payment_preferences(membership):
    """Save how the company pays: what it wishes of its bank, who answers about new accounts, and whether a payment like
    the one before is approved from the overview.
    """
    form = PaymentPreferencesForm()
    done = payment_preferences.update_preferences(
        membership, bool(form.batch_booking.data), bool(form.name_check.data)
    )
    others = [payee_answers.set_asked_by_other(membership, bool(form.payees_asked_by_other.data))]
    if (span := form.usual_span_percent.data) in (0, *usual_payments.SPANS):
        others.append(usual_payments.set_usual_span(membership, span or None))
    flash(presenter.preferences_saved(done, any(others)), "good")
    return redirect_to(url_for("settings.settings"))


@blueprint.post("/<client>/instellingen/taal")
@for_client(ALL)
def choose_language(membership):
    """Set this person's language."""
    form = LanguageForm()
    if form.validate_on_submit():
        accounts.set_locale(membership.user, form.language.data)
        current_user_row().locale = form.language.data
        refresh()
        flash(_("Opgeslagen. Pagina's en mails zijn vanaf nu in het Nederlands."), "good")
    return redirect_to(url_for("settings.settings"))


@blueprint.post("/<client>/instellingen/sessies/<key>/uitloggen")
@does("sessions")
def revoke_session(membership, key):
    """End one session of this person."""
    ended = sessions.revoke_session(membership.user, key)
    flash(_("Daar ben je uitgelogd.") if ended else _("Daar was je al uitgelogd."), "good")
    return redirect_to(url_for("settings.settings"))
