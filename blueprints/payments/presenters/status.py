"""Texts about a payment's state, its reason, and its three steps: approved, signed, executed."""

from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.bank_codes import BANK_REASONS
from blueprints.web.formatters import day, day_and_month, euro, long_day, moment, number
from blueprints.web.lazy_texts import _l
from core.clock import today_amsterdam, utcnow
from domain.banking.bank_accounts import AccountView
from domain.orders.payee_verification import NameMismatch
from domain.payments.payment_views import BatchRow, Payment
from domain.payments.putting_away import PutAway
from models.states import BatchState

STATES: dict[str, tuple] = {
    BatchState.OPEN: (_l("Goedkeuring vereist"), "accent"),
    BatchState.APPROVED: (_l("Goedgekeurd: nog niet bij de bank"), "warn"),
    BatchState.SENDING: (_l("Wordt verstuurd"), "warn"),
    BatchState.NAME_CHECK: (_l("Namen worden gecontroleerd"), "warn"),
    BatchState.AT_BANK: (_l("Wacht op ondertekening bij de bank"), "accent"),
    BatchState.SIGNED: (_l("Ondertekend"), "good"),
    BatchState.EXECUTED: (_l("Uitgevoerd"), "good"),
    BatchState.PARTLY_EXECUTED: (_l("Deels uitgevoerd"), "warn"),
    BatchState.PENDING_REJECTION: (_l("Geweigerd, kan nog worden uitgevoerd"), "warn"),
    BatchState.RETURNED: (_l("Teruggestort"), "bad"),
    BatchState.DISPUTED: (_l("Tegenstrijdige berichten van de bank"), "bad"),
    BatchState.REJECTED: (_l("Geweigerd door de bank"), "bad"),
    BatchState.FAILED: (_l("Mislukt"), "bad"),
    BatchState.CANCELLED: (_l("Geannuleerd"), "bad"),
    BatchState.DISCARDED: (_l("Niet betaald"), ""),
    BatchState.REPLACED: (_l("Vervangen"), ""),
}  # fmt: skip

# Groups of a list: in progress, paid.
UNDER_WAY = (BatchState.APPROVED, BatchState.SENDING, BatchState.SIGNED)
DONE = (BatchState.EXECUTED, BatchState.PARTLY_EXECUTED, BatchState.RETURNED)


# Why a payment is in its state; bank codes are in `bank_codes`.
REASONS = {
    "changed": _l("De betaling is gewijzigd. Keur de betaling opnieuw goed."),
    "cut_off": _l("De gekozen dag is niet meer haalbaar. Er is niets betaald. Kies een dag en keur opnieuw goed."),
    "past": _l("De gekozen dag is voorbij. Er is niets betaald. Kies een dag en keur opnieuw goed."),
    "not_a_bank_day": _l("De gekozen dag is geen bankdag. Er is niets betaald. Kies een andere dag."),
    "too_far": _l("De gekozen dag is te ver weg. Er is niets betaald. Kies een eerdere dag."),
    "proof_changed": _l(
        "Ondertekenen gaat bij je bank nu anders. Er is niets betaald. Keur de betaling opnieuw goed."
    ),
    "name_check_off": _l("De naamcontrole is uitgezet. Er is niets betaald. Keur de betaling opnieuw goed."),
    "name_check_on": _l("De naamcontrole is aangezet. Er is niets betaald. Keur de betaling opnieuw goed."),
    "booking_changed": _l(
        "De weergave op je afschrift is gewijzigd. Er is niets betaald. Keur de betaling opnieuw goed."
    ),
    "too_many_lines": _l(
        "Dit zijn te veel betalingen in één opdracht voor deze bank. Er is niets betaald. Kies een andere rekening."
    ),
    "no_tax_reference": _l(
        "Deze bank accepteert geen betalingskenmerk. Er is niets betaald. Kies een andere rekening."
    ),
    "no_reference": _l(
        "Deze bank accepteert een betalingskenmerk van een regel niet. Er is niets betaald. Kies een andere rekening."
    ),
    "g_account": _l(
        "Van een G-rekening kun je geen salaris betalen. Er is niets betaald. Kies een andere rekening."
    ),
    "bank_unreachable": _l("De bank is nu niet bereikbaar. Er is niets betaald. We proberen het vanzelf opnieuw."),
    "run_again": _l("De salarisrun is opnieuw gedraaid. Van deze versie is niets betaald."),
    "doubted": _l("Er is een vraag over een regel van deze betaling. Er is niets betaald."),
    "payees_changed": _l(
        "Er is een rekeningnummer gewijzigd. Er is niets betaald. Controleer het en keur de betaling opnieuw goed."
    ),
    "payees_asked_by_other": _l(
        "De instelling voor nieuwe rekeningnummers is gewijzigd. Er is niets betaald. Keur de betaling opnieuw goed."
    ),
    "run_emptied": _l("De salarisrun bevat geen betalingen meer. Er is niets betaald."),
    "run_refused": _l("De salarisrun is opnieuw gedraaid, met een fout in het bestand. Er is niets betaald."),
    "vanished": _l("De salarisrun staat niet meer in Nmbrs. Er is niets betaald."),
    "set_up_anew": _l(
        "Er staat een nieuwe betaling klaar, met wat er volgens de laatste salarisrun nog betaald moet worden."
    ),
    "nothing_more": _l("Van deze salarisrun hoeft niets meer te worden betaald."),
    "client_closed": _l("Het account van het bedrijf is gesloten. Er is niets betaald."),
    "excess_withdrawn": _l("Het verzoek om extra te betalen is ingetrokken. Er is niets betaald."),
    "run_missing": _l(
        "De salarisrun staat niet meer in Nmbrs. Je goedkeuring is vervallen. Er is niets betaald."
    ),
    "role_changed": _l(
        "De goedkeuring is vervallen, omdat de goedkeurder niet meer mag betalen. Er is niets betaald. Keur de "
        "betaling opnieuw goed."
    ),
    "member_removed": _l(
        "De goedkeuring is vervallen, omdat de goedkeurder geen toegang meer heeft. Er is niets betaald. Keur de "
        "betaling opnieuw goed."
    ),
    "all_refused": _l("Je hebt alle regels weggelaten. Er wordt niets betaald."),
    PutAway.DOUBLE: _l("Je gaf aan dat dit een dubbele betaling is. Er wordt niets betaald."),
    PutAway.PAID_ELSEWHERE: _l("Je gaf aan dat dit al op een andere manier is betaald. Er wordt niets betaald."),
    PutAway.WRONG_RUN: _l("Je gaf aan dat er een fout in de salarisrun zit. Er wordt niets betaald."),
    PutAway.OTHER: _l("Je hebt besloten deze betaling niet te betalen."),
    "said_paid": _l("Een gebruiker heeft doorgegeven dat dit is uitgevoerd. Er is geen bericht van de bank."),
    "said_refused": _l(
        "Een gebruiker heeft doorgegeven dat de bank het bestand heeft geweigerd. Er is niets betaald. Je kunt de "
        "betaling opnieuw klaarzetten."
    ),
    "given_up": _l("De betaling is niet ondertekend. Er is niets betaald. Je kunt de betaling opnieuw klaarzetten."),
    "not_taken": _l(
        "De bank heeft deze betaling niet ontvangen. Er is niets betaald. Je kunt de betaling opnieuw klaarzetten."
    ),
}

# Results of payee verification; for a close match the bank gives the account holder's name.
NAME_MATCHES = {
    "CMTC": _l("De naam bij de bank lijkt hierop, maar is niet gelijk."),
    "NMTC": _l("Volgens de bank hoort deze naam niet bij deze rekening."),
    "NOAP": _l("De bank kan deze naam niet controleren."),
}

ENDED: dict[str, Any] = {
    BatchState.REJECTED: _l("De bank heeft de betaling geweigerd."),
    BatchState.FAILED: _l("Ondertekenen is mislukt of afgebroken."),
    BatchState.CANCELLED: _l("De betaling is geannuleerd."),
}

NBSP = "\u00a0"
NO_ANSWER_AFTER = timedelta(minutes=1)


def state_label(row: Payment | BatchRow) -> tuple[str, str]:
    """Return label and tone; a signed payment includes its execution date."""
    text, tone = STATES[row.state]
    if row.is_manual and row.state == BatchState.SENDING:
        return _("Bestand gedownload: nog geen status van je bank"), tone
    if isinstance(row, Payment) and names_differ(row):
        return _("Controleer de namen"), "accent"
    if row.is_doubted:
        return _("Vraag over de salarisrun"), "warn"
    if row.state == BatchState.SIGNED and row.execution_date:
        when = day_and_month(row.execution_date).replace(" ", NBSP)
        return _("Ondertekend: uitvoering op %(day)s", day=when), tone
    return str(text), tone


def names_differ(payment: Payment) -> bool:
    """Return whether payee verification is done and needs a decision."""
    return payment.state == BatchState.NAME_CHECK and payment.order is not None and payment.order.bank_status == "RVCM"


def name_match(row: NameMismatch) -> str:
    """Return the bank's finding about a payee's name, if it does not give the holder's."""
    return str(NAME_MATCHES[row.match])


def is_outcome_unknown(payment: Payment) -> bool:
    """Return whether an order was submitted over a minute ago without an answer; a download is no submission."""
    return (
        not payment.is_manual
        and payment.state == BatchState.SENDING
        and (payment.order is None or payment.order.row.submitted_at is not None)
        and utcnow() - payment.state_changed_at > NO_ANSWER_AFTER
    )


def is_in_flight(payment: Payment) -> bool:
    """Return whether the payment is being submitted to the bank now."""
    return (
        not payment.is_manual
        and payment.state in (BatchState.APPROVED, BatchState.SENDING)
        and not is_outcome_unknown(payment)
    )


def reason(payment: Payment) -> str:
    """Return why the payment is in its state and whether money moved; "" if there is nothing to explain."""
    code = (payment.state_reason or "").removeprefix("bank:")
    if code in REASONS:
        return str(REASONS[code])
    if payment.state == BatchState.PENDING_REJECTION and payment.order:
        return _pending_rejection(payment.order.until)
    if payment.state == BatchState.DISPUTED:
        return _(
            "De berichten van je bank zijn tegenstrijdig. We zoeken dit uit met je bank. Betaal deze salarissen niet "
            "op een andere manier, anders wordt er dubbel betaald."
        )
    if payment.state == BatchState.RETURNED:
        return _(
            "De bank heeft alles teruggestort. Niemand heeft geld gekregen. Je kunt de betaling opnieuw klaarzetten."
        )
    if payment.state in ENDED:
        told = BANK_REASONS.get(code, ENDED[payment.state])
        next_step = _("Er is niets betaald. Je kunt de betaling opnieuw klaarzetten.")
        return f"{told} {next_step}"
    if payment.state == BatchState.PARTLY_EXECUTED and payment.reasons:
        return _("Een deel van de betaling is mislukt of teruggestort. Per regel zie je de status.")
    if payment.state == BatchState.PARTLY_EXECUTED:
        return _("Een deel van de betaling is niet uitgevoerd. Vraag je bank naar de regels die ontbreken.")
    if is_outcome_unknown(payment):
        return _(
            "Het is nog niet bekend of de betaling is aangekomen. We zoeken dit uit met de bank. Betaal de "
            "salarissen niet op een andere manier, anders wordt er dubbel betaald."
        )
    return ""


def _pending_rejection(until: date | None) -> str:
    """Return until when the bank may still execute what it refused, and what to do meanwhile."""
    if until is None:
        return ""
    return _(
        "De bank heeft de betaling geweigerd. Bij genoeg saldo kan de betaling tot en met %(day)s toch nog worden "
        "uitgevoerd. Vul je saldo aan en wacht, of annuleer de betaling eerst.",
        day=long_day(until),
    )


def line_count(payment: Payment) -> str:
    """Return the number of lines, how many are paid if not all, and how many of the run no payment can hold."""
    lines, held = _line_count(payment), len(payment.beside.held)
    if not held:
        return lines
    told = ngettext("%(num)s kan niet worden betaald", "%(num)s kunnen niet worden betaald", held)
    return f"{lines} · {told}"


def _line_count(payment: Payment) -> str:
    if payment.lines_payable == payment.lines_all:
        return ngettext("%(count)s regel", "%(count)s regels", payment.lines_all, count=number(payment.lines_all))
    return _("%(some)s van %(all)s regels", some=number(payment.lines_payable), all=number(payment.lines_all))


def balance(account: AccountView) -> str:
    """Return the last known balance."""
    return _("saldo onbekend") if account.balance_cents is None else euro(account.balance_cents)


def relative_date(payment: Payment) -> str:
    """Return how far away the execution date is; "payday" or "as soon as possible" if nobody chose one."""
    if not payment.date_fixed:
        return _("betaaldag") if payment.is_payday else _("zo snel mogelijk")
    ahead = (payment.execution_date - today_amsterdam()).days
    if ahead < 0:
        return _("voorbij")
    return {0: _("vandaag"), 1: _("morgen")}.get(ahead) or _("over %(days)s dagen", days=ahead)


def date_in_full(value: date) -> str:
    """Format as dinsdag 24 november, with the year if it is not the current one."""
    text = long_day(value)
    return text.removesuffix(f" {value.year}") if value.year == today_amsterdam().year else text


def spaced_reference(reference: str) -> str:
    """Return a payment reference of the tax authority as it prints it: in groups of four digits."""
    return NBSP.join(reference[at : at + 4] for at in range(0, len(reference), 4))


_REACHED: dict[str, int] = {
    BatchState.APPROVED: 1, BatchState.SENDING: 1, BatchState.NAME_CHECK: 1, BatchState.AT_BANK: 1,
    BatchState.SIGNED: 2, BatchState.EXECUTED: 3, BatchState.PARTLY_EXECUTED: 3,
    BatchState.RETURNED: 2,
}  # fmt: skip
# The step at which it ended. A bank may reject before or after SCA; in both cases it was not executed.
_ENDED_AT: dict[str, int] = {
    BatchState.FAILED: 1,
    BatchState.REJECTED: 2,
    BatchState.CANCELLED: 2,
    BatchState.PENDING_REJECTION: 2,
    BatchState.RETURNED: 2,
    BatchState.DISPUTED: 2,
}


def progress_steps(payment: Payment) -> list[tuple[str, str, str]]:
    """Return the steps: label, status (done, now, bad or "" for later) and moment."""
    ended = _ENDED_AT.get(payment.state)
    reached = _REACHED.get(payment.state, 1 if ended is not None else 0)
    over = ended is not None or payment.state in (BatchState.DISCARDED, BatchState.REPLACED)
    rows = []
    for at, (todo, done) in enumerate(_labels(payment)):
        how = "done" if at < reached else "now" if at == reached and not over else ""
        label, when = done if how == "done" else todo, _when(payment, at, reached)
        rows.append((label, "bad" if at == ended else how, when))
    return rows


def _labels(payment: Payment) -> list[tuple[str, str]]:
    executed = _("Deels uitgevoerd") if payment.state == BatchState.PARTLY_EXECUTED else _("Uitgevoerd")
    return [(_("Goedkeuren"), _("Goedgekeurd")), (_("Ondertekenen"), _("Ondertekend")), (_("Uitvoeren"), executed)]


def _when(payment: Payment, step: int, reached: int) -> str:
    """Return when a step was reached; for the last one the agreed execution date."""
    if step >= reached and not (step == 2 and reached):
        return ""
    if step == 0:
        return moment(payment.released_at) if payment.released_at else ""
    if step == 1:
        return moment(payment.state_changed_at) if payment.state == BatchState.SIGNED else ""
    return day(payment.execution_date) if payment.state not in _ENDED_AT else ""


def statement_style(payment: Payment) -> str:
    """Return how the bank books it on the account statement."""
    return _("In één bedrag, zonder namen") if payment.batch_booking else _("Per regel, met namen")


def is_name_check_off(payment: Payment) -> bool:
    """Return whether the company turned payee verification off; a payment of one line is always verified."""
    return not payment.name_check and payment.lines_payable > 1


def booking_date(booked: date) -> str:
    """Return the text of the link to the bank's transaction."""
    return _("Geboekt op %(day)s", day=day_and_month(booked).replace(" ", NBSP))


def file_note(payment: Payment) -> str:
    """Return what to do with a downloaded payment file."""
    if payment.state != BatchState.SENDING:
        return _("Geüpload bij de bank.")
    return _(
        "Upload het bestand maar één keer bij je bank, anders kan er dubbel worden betaald. Het is nog niet bekend "
        "of er is betaald. Upload een bankbestand of geef het hieronder door."
    )
