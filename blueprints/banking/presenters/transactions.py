"""Transactions on the page of an account."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.web.formatters import signed_euro
from blueprints.web.parts import Link
from core.iban import format_iban
from domain.reconciliation.transactions import TransactionPage, TransactionView
from models.states import MatchType


@dataclass(frozen=True)
class PresentedTransaction:
    """One transaction. `payment` is the link to its payment; `told` how many payments it holds, `details` what the bank
    wrote.
    """

    id: int
    title: str
    amount: str
    credit: bool
    told: str
    details: list[str]
    payment: Link | None


def present_transaction(booking: TransactionView) -> PresentedTransaction:
    return PresentedTransaction(
        id=booking.id,
        title=_title(booking),
        amount=signed_euro(booking.cents),
        credit=booking.cents > 0,
        told=_told(booking),
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


def _told(booking: TransactionView) -> str:
    if not booking.batch_count:
        return ""
    return ngettext("%(num)s betaling", "%(num)s betalingen", booking.batch_count)


def _details(booking: TransactionView) -> list[str]:
    """Return what the bank wrote, one text per line."""
    iban = format_iban(booking.counterparty_iban) if booking.counterparty_iban else ""
    return [one for one in (booking.text, iban) if one]


def _payment(booking: TransactionView) -> Link | None:
    if not booking.reference:
        return None
    texts: dict[str, str] = {
        MatchType.BATCH: _("Naar deze betaalopdracht"),
        MatchType.LINE: _("Naar de betaalopdracht van deze regel"),
        MatchType.RETURN: _("Teruggestort: naar de betaalopdracht"),
    }
    return Link(texts.get(booking.match_type or "", ""), url_for("payments.detail", reference=booking.reference))


def booking_count(statement: TransactionPage) -> int:
    """Return how many transactions the page shows."""
    return sum(len(rows) for _day, rows in statement.days)


def found_bookings(statement: TransactionPage) -> str:
    """Return how many transactions a search found; of several pages, how many this one shows."""
    count = booking_count(statement)
    if statement.more or statement.page > 1:
        return _("Pagina %(page)s van de zoekresultaten.", page=statement.page)
    return ngettext("%(num)s transactie gevonden.", "%(num)s transacties gevonden.", count)


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
