"""Texts about transactions."""

from flask_babel import gettext as _
from flask_babel import ngettext

from core.iban import format_iban
from domain.reconciliation.transactions import TransactionView


def title(booking: TransactionView) -> str:
    """Return the counterparty, or the kind of transaction if the bank names none, as for a batch."""
    if booking.party_name:
        return booking.party_name
    if booking.role == "lump" or booking.is_batch:
        return _("Verzamelbetaling")
    return _("Afschrijving") if booking.cents < 0 else _("Bijschrijving")


def told(booking: TransactionView) -> list[str]:
    """Return the details from the bank, one per line."""
    rows = []
    if booking.batch_count:
        rows.append(ngettext("%(num)s betaling", "%(num)s betalingen", booking.batch_count))
    if booking.text:
        rows.append(booking.text)
    if booking.party_iban:
        rows.append(format_iban(booking.party_iban))
    return rows


def payment(booking: TransactionView) -> str:
    """Return the text of the link to the payment."""
    words = {
        "lump": _("Naar deze betaalopdracht"),
        "line": _("Naar de betaalopdracht van deze regel"),
        "return": _("Teruggestort: naar de betaalopdracht"),
    }
    return words.get(booking.role or "", "")


def why_not(reason: str | None) -> str:
    """Return why no transactions are shown."""
    words = {
        "waiting": _(
            "We controleren nog of de rekeninghouder het bedrijf is dat bij de KvK staat. "
            "Daarna zie je hier de transacties. Betalen kan intussen gewoon."
        ),
        "refused": _(
            "De rekeninghouder is volgens onze controle een ander dan je bedrijf. "
            "Daarom tonen we hier geen transacties. Neem contact met ons op als dat niet klopt."
        ),
    }
    return words.get(reason or "", "")
