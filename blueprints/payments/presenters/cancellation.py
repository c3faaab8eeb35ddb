"""Cancellation at the bank, for the payment's page."""

from dataclasses import dataclass

from flask_babel import gettext as _

from blueprints.web.parts import Note
from domain.orders.cancellation import CancellationStatus


@dataclass(frozen=True)
class Cancellation:
    """`note` is the status of a cancellation, `request_label` the link that requests one; empty if absent.

    `may_withdraw`: this person may withdraw the cancellation.
    """

    note: Note | None
    request_label: str
    may_withdraw: bool


def present_cancellation(status: CancellationStatus, can_pay: bool) -> Cancellation:
    """Return the cancellation for a page."""
    label = ""
    if can_pay and status.offered and not status.to_sign:
        label = _("Status opnieuw opvragen") if status.running else _("Annuleer bij de bank")
    return Cancellation(_note(status), label, can_pay and status.to_sign)


def _note(status: CancellationStatus) -> Note | None:
    title = _("De betaling wordt geannuleerd")
    if status.to_sign:
        text = _("Onderteken de annulering bij de bank. Tot dan blijft de betaling staan.")
        return Note("warn", title, text)
    if status.running:
        text = _(
            "Nog geen bericht van de bank. Deze pagina wordt vanzelf bijgewerkt. De betaling kan nog worden uitgevoerd."
        )
        return Note("warn", title, text)
    return None
