"""Texts about SCA at the bank."""

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from domain.orders.sca_state import ScaStep
from domain.payments.payment_views import Payment


@dataclass(frozen=True)
class SigningNote:
    """The status of SCA. `bank_message` is the bank's own text, if useful."""

    title: str
    text: str
    bank_message: str


def present_signing(payment: Payment, step: ScaStep) -> SigningNote | None:
    """Return the note above a payment that waits for SCA; None if the button suffices."""
    title, text = sign_note(payment, step)
    message = step.message if step.how in ("page", "app") else ""
    return SigningNote(title, text, _(
        "Bericht van je bank: %(text)s",
        text=message) if message else "") if title else None


def sign_label(payment: Payment, step: ScaStep) -> str:
    """Return the label of the button that starts SCA."""
    bank = payment.account.bank_name
    if step.cancels:
        return _("Onderteken de annulering")
    return {
        "method": _("Kies hoe je ondertekent"), "code": _("Onderteken met een code"),
    }.get(step.how) or _("Onderteken bij %(bank)s", bank=bank)  # fmt: skip


def sign_note(payment: Payment, step: ScaStep) -> tuple[str, str]:
    """Return title and text of the status of SCA; empty if the button suffices."""
    bank = payment.account.bank_name
    if step.cancels:
        return _cancel_note(step, bank)
    told = {
        "soon": (
            _("De betaling wordt klaargezet bij de bank"),
            _(
                "%(bank)s is nog niet klaar. Zodra je kunt ondertekenen, zie je dat hier. Er is nog niets betaald.",
                bank=bank),
        ),
        "app": (
            _("Open de app van je bank"),
            _("Keur de betaling goed in de app van %(bank)s. Deze pagina wordt vanzelf bijgewerkt.", bank=bank),
        ),
        "method": (_("Nog ondertekenen"), _("Kies bij %(bank)s hoe je ondertekent.", bank=bank)),
        "code": (_("Nog ondertekenen"), _("Vul de code van %(bank)s in.", bank=bank)),
        "second": (
            _("1 van 2 ondertekend"),
            _("Wacht op de tweede ondertekenaar bij de bank. Deze pagina wordt vanzelf bijgewerkt."),
        ),
        "signed": (_("Je hebt ondertekend"), _(
            "In behandeling bij %(bank)s. Deze pagina wordt vanzelf bijgewerkt.",
            bank=bank)),
        "failed": (
            _("Het ondertekenen is gestopt door de bank"),
            _("We vragen de status op bij de bank. Er is niets betaald."),
        ),
    }  # fmt: skip
    return told.get(step.how, ("", ""))


def _cancel_note(step: ScaStep, bank: str) -> tuple[str, str]:
    """Return title and text of the SCA of a cancellation."""
    told = {
        "app": (
            _("Open de app van je bank"),
            _("Keur de annulering goed in de app van %(bank)s. Deze pagina wordt vanzelf bijgewerkt.", bank=bank),
        ),
        "failed": (_("De annulering is niet ondertekend"), _("De betaling blijft staan.")),
    }  # fmt: skip
    return told.get(step.how, ("", ""))


def challenge_groups(text: str) -> str:
    """Return the challenge in groups of four digits, as a card reader shows it; other text unchanged."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4)) if text.isdecimal() else text


def code_hint(step: ScaStep) -> str:
    """Return the format of the code, if the bank gives it."""
    if step.digits_only and step.longest:
        return ngettext("Maximaal %(num)s cijfer", "Maximaal %(num)s cijfers", step.longest)
    return ""


def code_maxlength(step: ScaStep) -> str:
    """Return the maximum length of the field, which allows spaces between digits."""
    return str(step.longest * 2) if step.longest else "64"
