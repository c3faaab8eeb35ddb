"""Results of payee verification, for the payment's page."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.status import name_match
from blueprints.web.formatters import number
from domain.orders.name_confirmation import NamesToConfirm
from domain.orders.payee_verification import NameMismatch, VerificationStatus
from domain.payments.payment_views import Payment


@dataclass(frozen=True)
class NameRow:
    """One payee without a full match. `remark`: the bank's finding, or that its name was accepted."""

    name: str
    vop_name: str
    iban: str
    amount_cents: int
    remark: str
    may_accept: bool
    url: str


@dataclass(frozen=True)
class PayeeNames:
    """`waiting` is shown while the bank verifies; afterwards `text` and the mismatches.

    `shown`: the digest to confirm. `people`: who confirmed and who is asked, where it takes two. `may_confirm`: this
    person has not confirmed yet.
    """

    waiting: str
    text: str
    rows: list[NameRow]
    shown: str = ""
    people: str = ""
    may_confirm: bool = True


def present_names(
    check: VerificationStatus, payment: Payment, url: Callable[..., str], confirming: NamesToConfirm | None
) -> PayeeNames:
    """Return the verification for a page. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    if check.running:
        return PayeeNames(_checking(payment), "", [])
    text = _("Het is niet bekend om welke regels het gaat. Er is nog niets betaald.")
    if check.lines:
        text = _("Er is nog niets betaald. Controleer of het geld naar de juiste persoon gaat.")
    rows = [_row(one, url) for one in check.lines]
    if confirming is None:
        return PayeeNames("", text, rows)
    return PayeeNames("", text, rows, confirming.digest, _people(confirming), not confirming.by_me)


def _people(confirming: NamesToConfirm) -> str:
    if confirming.needed == 1:
        return ""
    asked = _(" of ").join(confirming.asked)
    if not asked:
        asked = _("iemand anders die mag tekenen (nodig iemand uit)")
    if confirming.by_me:
        return _(
            "Je hebt bevestigd dat dit betaald mag worden. Er is nog een bevestiging nodig, van %(asked)s.", asked=asked
        )
    if confirming.confirmed_by:
        return _(
            "%(by)s heeft bevestigd dat dit betaald mag worden. Er is nog één bevestiging nodig.",
            by=", ".join(confirming.confirmed_by),
        )
    return _("Twee mensen moeten bevestigen dat dit betaald mag worden. Bevestigen kan door %(asked)s.", asked=asked)


def _checking(payment: Payment) -> str:
    told = ngettext(
        "De bank controleert of de naam bij de rekening hoort.",
        "De bank controleert of %(count)s namen bij de rekeningen horen.",
        payment.lines_payable, count=number(payment.lines_payable),
    )  # fmt: skip
    patience = _("Dit kan twintig minuten duren. Je kunt deze pagina sluiten. Er is nog niets betaald.")
    return f"{told} {patience}"


def _row(one: NameMismatch, url: Callable[..., str]) -> NameRow:
    remark = ""
    if not one.vop_name:
        remark = name_match(one)
    elif one.taken_over:
        remark = _("De naam van de bank is opgeslagen voor de volgende keer.")
    return NameRow(
        one.name, one.vop_name or "", one.iban, one.amount_cents, remark,
        bool(one.vop_name) and not one.taken_over, url("decide_name", line_id=one.id),
    )  # fmt: skip
