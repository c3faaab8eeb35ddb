"""Texts and rows of the settings."""

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from blueprints.settings.forms import SPAN_LABELS
from blueprints.team.presenter import ROLES, named
from blueprints.web.formatters import euro, moment
from blueprints.web.lazy_texts import _l
from blueprints.web.parts import Task
from core.iban import format_iban
from domain.accounts import email_change
from domain.accounts.sessions import SessionView
from domain.banking.bank_accounts import AccountView
from domain.operations import log_anchors
from domain.payments.payment_preferences import PreferencesUpdate
from models import Client, Membership, User

# Kinds of notifications (domain.outbox.push.KINDS), in the order of a payment's life.
NOTIFICATION_KINDS = {
    "waits": _l("Er staat een betaling klaar"),
    "asked": _l("Mijn goedkeuring is nodig"),
    "executed": _l("Een betaling is uitgevoerd"),
    "refused": _l("Een betaling is geweigerd of voor een deel mislukt"),
    "held": _l("Een run of regel kan niet worden betaald"),
    "consent": _l("Een bankkoppeling verloopt of is gestopt"),
}


def own_email(user: User) -> str:
    """Return the own address, or that a new one waits for its confirmation."""
    waiting = email_change.pending_change(user)
    return _("%(email)s wacht op bevestiging", email=waiting.email) if waiting else user.email


def own_facts(membership: Membership) -> list[tuple[str, str]]:
    """Return the facts about the client, the user and their role."""
    client = membership.client
    return [
        (_("Account"), client.name),
        (_("KvK-nummer"), client.kvk_number),
        (_("Ingelogd als"), membership.user.email),
        (_("Rol"), ROLES[membership.role]),
        *_log_fact(client),
    ]


def _log_fact(client: Client) -> list[tuple[str, str]]:
    """Return the head of the audit log: who writes it down can prove later that nothing was removed since."""
    head = log_anchors.log_head(client)
    return [(_("Logboek"), _("t/m nr. %(number)s, %(hash)s", number=head.number, hash=head.hash))] if head else []


def member_task(member: Membership, viewer: Membership) -> Task:
    """Return the row of a member, as `viewer` sees it."""
    return Task("", "person", named(member.user.name, member.user_id == viewer.user_id), ROLES[member.role])


def other_account_task(membership: Membership) -> Task:
    """Return the row of another client of the same person."""
    url = url_for("overview.overview", client=membership.client.public_id)
    return Task(url, "building", membership.client.name, ROLES[membership.role])


def limits_task(account: AccountView) -> Task:
    """Return the row of an account with its payment limits."""
    limits = (
        Markup('<span class="nowrap">{}</span>').format(format_iban(account.iban)),
        _("per betaling %(sum)s", sum=euro(account.limit_payment_cents)),
        _("per dag %(sum)s", sum=euro(account.limit_day_cents)),
    )
    return Task("", "bank", account.name, Markup("<br>").join(limits))


def preference_facts(client: Client) -> list[tuple[str, str]]:
    """Return the payment preferences, for members who cannot change them."""
    booking = _("één bedrag, zonder namen") if client.batch_booking else _("elke regel apart")
    name_check = _("ja") if client.vop_enabled else _("niet bij meer dan één regel")
    asked = _("een ander dan wie goedkeurt") if client.payees_asked_by_other else _("wie mag betalen")
    return [
        (_("Op het afschrift"), booking), (_("Namen controleren"), name_check), (_("Nieuwe rekeningnummers"), asked),
        (_("Goedkeuren vanuit Overzicht"), str(SPAN_LABELS[client.usual_span_percent or 0])),
    ]  # fmt: skip


def preferences_saved(done: PreferencesUpdate, others: bool) -> str:
    """Return what happened to the wishes, and to payments that were approved with the earlier ones. `others`: another
    setting of the form was changed.
    """
    if not done.changed and not others:
        return _("Er is niets veranderd.")
    saved = _("Opgeslagen. Geldt voor alles wat je vanaf nu goedkeurt.")
    if not done.reopened:
        return saved
    return f"{saved} " + ngettext(
        "%(num)s betaling moet opnieuw worden goedgekeurd, omdat de instelling is gewijzigd.",
        "%(num)s betalingen moeten opnieuw worden goedgekeurd, omdat de instelling is gewijzigd.",
        done.reopened,
    )


def session_task(session: SessionView) -> Task:
    """Return the row of a session: where it is, and since when."""
    place = _("Dit apparaat") if session.here else _("Ander apparaat")
    title = f"{place}: {session.words}" if session.words else place
    text = _(
        "sinds %(start)s, laatst gezien %(seen)s", start=moment(session.started_at), seen=moment(session.seen_at)
    )
    if session.confirmed:
        confirmed = _("bevestigd apparaat")
        text = f"{text} · {confirmed}"
    return Task("", "lock", title, text, "good" if session.here else "")
