"""Texts about a bank consent: its status, what still works and what to do."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.web.formatters import day_and_month
from domain.banking.consents import ConsentView


@dataclass(frozen=True)
class ConsentNote:
    """The note that a consent ends or has ended, with the link to renew it."""

    title: str
    text: str
    renew_url: str


def present_consent(consent: ConsentView) -> ConsentNote:
    """Return the note about a consent that needs attention."""
    return ConsentNote(_title(consent), _text(consent), url_for("banking.renew_consent", consent_id=consent.id))


def _title(consent: ConsentView) -> str:
    """Return the heading of the banner."""
    bank = consent.bank_name
    if consent.word == "ends":
        return _("De toegang tot %(bank)s verloopt binnenkort", bank=bank)
    return _("De toegang tot %(bank)s is verlopen", bank=bank)


def _text(consent: ConsentView) -> str:
    """Return what happened, and what still works."""
    if consent.word == "ends":
        return _ends(consent)
    texts = {
        "expired": _("Je toestemming bij de bank is verlopen."),
        "revokedByPsu": _("De toestemming is bij je bank ingetrokken."),
        "terminatedByTpp": _("De toestemming is beëindigd door Bizcuit."),
        "rejected": _("Je bank heeft de toestemming geweigerd."),
        "unknown": _("De toestemming bestaat niet meer bij je bank."),
    }
    happened = texts.get(consent.word, _("De toegang tot je bank is gestopt."))
    still = _("Je ziet het laatst bekende saldo. Betalen kan nog, als je bank het toestaat.")
    return f"{happened} {still}"


def _ends(consent: ConsentView) -> str:
    if not consent.days_left:
        return _("Vandaag is de laatste dag. Verleng nu, dan blijf je je saldo zien.")
    left = ngettext("Nog %(num)s dag", "Nog %(num)s dagen", consent.days_left)
    until = day_and_month(consent.valid_until) if consent.valid_until else ""
    return _("%(left)s, tot en met %(day)s. Verleng nu, dan blijf je je saldo zien.", left=left, day=until)
