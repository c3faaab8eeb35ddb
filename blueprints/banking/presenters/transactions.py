"""Transactions on the page of an account."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.web.formatters import euro
from blueprints.web.parts import Link
from core.iban import format_iban
from domain.reconciliation.transactions import TransactionView
from models.states import MatchType


@dataclass(frozen=True)
class PresentedTransaction:
    """One transaction. `payment` is the link to its payment."""

    id: int
    title: str
    amount: str
    credit: bool
    details: list[str]
    payment: Link | None


def present_transaction(booking: TransactionView) -> PresentedTransaction:
    credit = booking.cents > 0
    return PresentedTransaction(
        id=booking.id,
        title=_title(booking),
        amount=f"+{euro(booking.cents)}" if credit else euro(booking.cents),
        credit=credit,
        details=_details(booking),
        payment=_payment(booking),
    )


def _title(booking: TransactionView) -> str:
    """Return the counterparty, or the kind of transaction if the bank names none, as for a batch."""
    if booking.counterparty_name:
        return booking.counterparty_name
    if booking.match_type == MatchType.BATCH or booking.is_batch:
        return _("Verzamelbetaling")
    return _("Afschrijving") if booking.cents < 0 else _("Bijschrijving")


def _details(booking: TransactionView) -> list[str]:
    """Return the details from the bank, one per line."""
    rows = []
    if booking.batch_count:
        rows.append(ngettext("%(num)s betaling", "%(num)s betalingen", booking.batch_count))
    if booking.text:
        rows.append(booking.text)
    if booking.counterparty_iban:
        rows.append(format_iban(booking.counterparty_iban))
    return rows


def _payment(booking: TransactionView) -> Link | None:
    if not booking.reference:
        return None
    texts: dict[str, str] = {
        MatchType.BATCH: _("Naar deze betaalopdracht"),
        MatchType.LINE: _("Naar de betaalopdracht van deze regel"),
        MatchType.RETURN: _("Teruggestort: naar de betaalopdracht"),
    }
    return Link(texts.get(booking.match_type or "", ""), url_for("payments.detail", reference=booking.reference))


def hidden_reason(code: str | None) -> str:
    """Return why no transactions are shown."""
    texts = {
        "waiting": _(
            "We controleren of de rekeninghouder het bedrijf is dat bij de KvK staat. Daarna zie je hier de "
            "transacties. Betalen kan al."
        ),
        "refused": _(
            "Volgens onze controle is de rekeninghouder niet je bedrijf. Daarom zie je hier geen transacties. Klopt "
            "dit niet? Neem contact met ons op."
        ),
    }
    return texts.get(code or "", "")
