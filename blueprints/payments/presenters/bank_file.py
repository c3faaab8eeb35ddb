"""A bank's file that was handed in, for the page on which it is confirmed, and what waits for a second person."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.bank_codes import LINE_REASONS
from blueprints.web.formatters import euro
from blueprints.web.parts import Link, Note
from domain.orders.attestations import WaitingAttestation
from domain.orders.conclusion import BOOKED, BOOKED_REVERSAL, CAME_BACK, IN_PROCESS, PAID_CODES, UNPAID_CODES
from domain.reconciliation.bank_reports import KeptFile, StatedOutcome


@dataclass(frozen=True)
class BankFile:
    """`rows` are labels and values; `note` says what confirming means."""

    rows: list[tuple[str, str]]
    note: Note


def present_file(kept: KeptFile) -> BankFile:
    """Return what a file states, in words, and what confirming it means."""
    return BankFile([_row(one) for one in kept.told], _note(kept))


def _row(one: StatedOutcome) -> tuple[str, str]:
    about = _("De hele betaling")
    if one.lines is not None:
        about = ngettext("%(num)s post", "%(num)s posten", one.lines)
    parts = [_what(one)]
    if one.cents and one.lines is None:
        parts.append(euro(abs(one.cents)))
    if one.reason:
        parts.append(str(LINE_REASONS.get(one.reason, one.reason)))
    return about, ", ".join(parts)


def _what(one: StatedOutcome) -> str:
    if one.code in (BOOKED, BOOKED_REVERSAL):
        return _("Teruggeboekt") if (one.cents or 0) > 0 else _("Afgeschreven")
    if one.code == CAME_BACK:
        return _("Teruggeboekt")
    if one.code in PAID_CODES:
        return _("Uitgevoerd")
    if one.code in UNPAID_CODES:
        return _("Ingetrokken") if one.code == "CANC" else _("Geweigerd")
    return _("In behandeling") if one.code in IN_PROCESS else _("Ontvangen")


def _note(kept: KeptFile) -> Note:
    if kept.silence is not None:
        return Note("warn", _("Je bank is nu niet bereikbaar"), _(
            "Twee mensen moeten dit bestand bevestigen, elk met de eigen pincode. Doe dit alleen als je zeker weet "
            "dat het bestand van je bank komt."
        ))  # fmt: skip
    if kept.people > 1:
        return Note("warn", _("Twee mensen moeten dit bestand bevestigen"), _(
            "Een tweede persoon moet dit bestand bevestigen met de eigen pincode. Daarna wordt het verwerkt."
        ))  # fmt: skip
    return Note("warn", _("Klopt dit met wat je bij je bank ziet?"), _(
        "Na je pincode wordt dit bestand verwerkt. Doe dit alleen als het bestand van je bank komt."
    ))  # fmt: skip


def present_waiting(
    waiting: list[WaitingAttestation], can_pay: bool, url: Callable[..., str]
) -> list[tuple[Note, Link | None]]:
    """Return what one person confirmed and a second still has to, each with the link to do so."""
    contradicted = len({one.paid for one in waiting if not one.document}) > 1
    return [
        (_waiting_note(one, contradicted), _waiting_link(one, url) if can_pay and not one.by_me else None)
        for one in waiting
    ]  # fmt: skip


def _waiting_note(one: WaitingAttestation, contradicted: bool) -> Note:
    """Return who said what, and who must still say the same. `contradicted`: another person said the opposite."""
    texts = [_what_was_said(one), _who_is_asked(one)]
    if contradicted and not one.document:
        texts.append(_("Er is ook het tegenovergestelde doorgegeven. Controleer dit samen bij je bank."))
    return Note("warn", _("Wacht op een tweede persoon"), " ".join(texts))


def _what_was_said(one: WaitingAttestation) -> str:
    name = ", ".join(one.by)
    if one.document:
        if one.by_me:
            return _("Je hebt een bankbestand bevestigd.")
        return _("%(name)s heeft een bankbestand bevestigd.", name=name)
    if one.by_me:
        return _("Je hebt doorgegeven dat de bank heeft betaald.") if one.paid else _(
            "Je hebt doorgegeven dat de bank heeft geweigerd."
        )
    if one.paid:
        return _("%(name)s heeft doorgegeven dat de bank heeft betaald.", name=name)
    return _("%(name)s heeft doorgegeven dat de bank heeft geweigerd.", name=name)


def _who_is_asked(one: WaitingAttestation) -> str:
    if not one.asked:
        return _(
            "Er is een tweede persoon nodig, maar niemand anders heeft hier rechten voor. Nodig iemand uit die mag "
            "betalen."
        )
    if len(one.asked) == 1:
        return _("%(name)s moet dit ook bevestigen. Tot dan verandert er niets.", name=one.asked[0])
    names = _("%(some)s of %(last)s", some=", ".join(one.asked[:-1]), last=one.asked[-1])
    return _("Nog een bevestiging nodig van: %(names)s. Tot dan verandert er niets.", names=names)


def _waiting_link(one: WaitingAttestation, url: Callable[..., str]) -> Link:
    if one.document:
        return Link(_("Bekijk en bevestig het bestand"), url("confirm_report", document=one.document))
    return Link(_("Bevestig dit ook"), url("report_outcome", verdict="betaald" if one.paid else "geweigerd"))
