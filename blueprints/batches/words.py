"""States in a person's words, and the three facts of a payment: approved, signed, executed."""

from flask_babel import gettext as _

from blueprints.context import day, day_and_month, moment
from blueprints.texts import _l
from domain.payments import BatchRow, LineView, Payment

STATES = {
    "open": (_l("Goedkeuring vereist"), "accent"),
    "approved": (_l("Goedgekeurd: nog niet bij de bank"), "warn"),
    "sending": (_l("Wordt verstuurd"), "warn"),
    "name_check": (_l("Namen worden gecontroleerd"), "warn"),
    "at_bank": (_l("Wacht op ondertekening bij de bank"), "accent"),
    "signed": (_l("Ondertekend"), "good"),
    "executed": (_l("Uitgevoerd"), "good"),
    "partly_executed": (_l("Deels uitgevoerd"), "warn"),
    "rejected": (_l("Geweigerd door de bank"), "bad"),
    "failed": (_l("Mislukt"), "bad"),
    "cancelled": (_l("Geannuleerd"), "bad"),
    "discarded": (_l("Niet betaald"), ""),
    "replaced": (_l("Vervangen"), ""),
}  # fmt: skip

LINES = {
    "refused": (_l("Niet betalen"), "bad"),
    "rejected": (_l("Geweigerd door de bank"), "bad"),
    "returned": (_l("Teruggestort"), "bad"),
    "executed": (_l("Betaald"), "good"),
    "void": (_l("Vervallen: deze run is opnieuw gedraaid"), ""),
}

# Why a payment is where it is. Codes of a bank follow below.
REASONS = {
    "changed": _l("Je hebt iets veranderd. Keur de betaling opnieuw goed."),
    "cut_off": _l("Het werd te laat voor de gekozen dag. Er is niets betaald: kies een dag en keur opnieuw goed."),
    "past": _l("De gekozen dag is voorbij. Er is niets betaald: kies een dag en keur opnieuw goed."),
    "not_a_bank_day": _l("De gekozen dag is geen bankdag. Er is niets betaald: kies een andere dag."),
    "proof_changed": _l("Je bank laat nu anders ondertekenen. Er is niets betaald: keur de betaling opnieuw goed."),
    "bank_unreachable": _l("De bank is nu niet bereikbaar. Er is niets betaald; we proberen het vanzelf opnieuw."),
    "all_refused": _l("Je hebt alle regels weggestreept."),
    "not_taken": _l("De bank heeft deze betaling niet ontvangen."),
}
BANK_REASONS = {
    "FUNDS_NOT_AVAILABLE": _l("Er stond niet genoeg geld op de rekening."),
    "EXECUTION_DATE_INVALID": _l("De bank neemt deze uitvoerdatum niet aan. Kies een andere dag."),
    "CONSENT_EXPIRED": _l("De koppeling met je bank is verlopen. Koppel de bank opnieuw."),
    "CONSENT_INVALID": _l("De koppeling met je bank geldt niet meer. Koppel de bank opnieuw."),
    "SERVICE_BLOCKED": _l("De bank heeft deze dienst voor je rekening geblokkeerd. Bel je bank."),
}


def state(row: Payment | BatchRow) -> tuple[str, str]:
    """Label and tone; a signed payment says when the bank executes it."""
    words, tone = STATES[row.state]
    if row.state == "signed" and row.execution_date:
        return _("Ondertekend: de bank voert uit op %(day)s", day=day_and_month(row.execution_date)), tone
    return str(words), tone


def reason(payment: Payment) -> str:
    """Why, in plain words and whether money moved; empty when there is nothing to explain."""
    code = payment.state_reason or ""
    if code in REASONS:
        return str(REASONS[code])
    if payment.state in ("rejected", "cancelled", "failed"):
        told = str(BANK_REASONS.get(code.removeprefix("bank:"), ""))
        return f"{told} {_('Er is niets betaald. Je kunt het opnieuw klaarzetten.')}".strip()
    return ""


def line(row: LineView) -> tuple[str, str]:
    words, tone = LINES.get(row.state, ("", ""))
    return str(words), tone


_REACHED = {"open": 0, "approved": 1, "sending": 1, "name_check": 1, "at_bank": 1, "signed": 2, "executed": 3,
            "partly_executed": 3}  # fmt: skip


def facts(payment: Payment) -> list[tuple[str, str, str]]:
    """The three facts as steps: label, how it stands (done, now, bad or still to come), when."""
    reached = _REACHED.get(payment.state, 1 if payment.released_at else 0)
    done = [_("Goedgekeurd"), _("Ondertekend"), _("Uitgevoerd")]
    todo = [_("Goedkeuren"), _("Ondertekenen"), _("Uitvoeren")]
    when = [moment(payment.released_at) if payment.released_at else "", "", ""]
    if reached == 2:
        when[2] = day(payment.execution_date)
    bad = payment.state in ("rejected", "failed", "cancelled")
    rows = []
    for number in range(3):
        how = "done" if number < reached else "now" if number == reached else ""
        if bad and number == reached:
            how = "bad"
        if payment.state in ("discarded", "replaced"):
            how = ""
        rows.append((done[number] if number < reached else todo[number], how, when[number]))
    return rows
