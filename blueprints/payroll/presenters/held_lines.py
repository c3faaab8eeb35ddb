"""Lines of a run that no payment can hold: why, and what to do. Also what is unusual in the file of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.web.formatters import amount, number
from core.hidden_characters import isolate
from core.iban import format_iban
from domain.payments.held_lines import HeldLineView


@dataclass(frozen=True)
class HeldRow:
    """A held line. `sum` is its amount as text, "" if it is not known."""

    number: int
    name: str
    iban: str
    sum: str
    why: str
    todo: str


def present_held_lines(lines: Sequence[HeldLineView]) -> list[HeldRow]:
    """Return the lines for a page."""
    return [_row(line) for line in lines]


def _row(line: HeldLineView) -> HeldRow:
    todo = [held_todo(line.reason)]
    if line.open_cents is not None and line.amount_cents is not None and line.open_cents < line.amount_cents:
        todo.insert(0, _("Al betaald: %(paid)s.", paid=sum_text(line.amount_cents - line.open_cents, line.currency)))
    return HeldRow(
        line.number, line.name or _("Zonder naam"), format_iban(line.iban.replace(" ", "")),
        sum_text(line.amount_cents, line.currency), held_reason(line.reason), " ".join(todo),
    )  # fmt: skip


def sum_text(cents: int | None, currency: str) -> str:
    """Return the amount with its currency if that is not the euro; "" if it is not known."""
    if cents is None:
        return ""
    return str(amount(cents)) if currency in ("EUR", "") else f"{currency} {amount(cents)}"


def held_title(count: int) -> str:
    """Return how many lines cannot be paid."""
    return ngettext("%(num)s regel kan niet worden betaald", "%(num)s regels kunnen niet worden betaald", count)


def held_reason(reason: str) -> str:
    """Return why a line cannot be paid (reasons of `connectors.nmbrs.payment_file`)."""
    return {
        "bad_iban": _("Het rekeningnummer klopt niet."),
        "no_iban": _("Het rekeningnummer (IBAN) ontbreekt."),
        "outside_sepa": _("De rekening valt buiten SEPA. Overboeken kan niet."),
        "other_currency": _("Het bedrag is niet in euro’s."),
        "no_name": _("De naam ontbreekt."),
        "name_unusable": _("De naam bevat alleen tekens die de bank niet accepteert."),
        "bad_amount": _("Dit bedrag kan niet worden overgemaakt."),
        "amount_too_large": _("Het bedrag is hoger dan de limiet per overboeking."),
        "reference_unusable": _("De bank accepteert het betalingskenmerk niet."),
    }.get(reason, _("De bank accepteert deze regel niet."))


def held_todo(reason: str) -> str:
    """Return what to do so that a held line is paid."""
    account, name = _("Wijzig het rekeningnummer in Nmbrs."), _("Wijzig de naam in Nmbrs.")
    outside = {
        "outside_sepa": _("Betaal deze regel zelf bij je bank of wijzig de rekening in Nmbrs."),
        "other_currency": _("Betaal deze regel zelf bij je bank of wijzig de gegevens in Nmbrs."),
    }
    if reason in outside:
        return outside[reason]
    change = {
        "bad_iban": account, "no_iban": account, "no_name": name, "name_unusable": name,
        "reference_unusable": _("Wijzig het kenmerk in Nmbrs."),
    }.get(reason, _("Wijzig het bedrag in Nmbrs."))  # fmt: skip
    return " ".join((change, _("Daarna wordt de run vanzelf opnieuw opgehaald.")))


def line_numbers(numbers: Sequence[int], most: int = 5) -> str:
    """Return the numbers of lines as text: `regel 3`, `regel 3 en 5`, `regel 1, 2, 3, 4, 5 en 7 andere`."""
    first, others = [number(one) for one in numbers[:most]], len(numbers) - most
    if others > 0:
        return _("regel %(first)s en %(others)s andere", first=", ".join(first), others=number(others))
    if len(first) == 1:
        return _("regel %(first)s", first=first[0])
    return _("regel %(first)s en %(last)s", first=", ".join(first[:-1]), last=first[-1])


# --- cautions of the file ---
def caution_text(code: str, numbers: Sequence[int]) -> tuple[str, str, str]:
    """Return tone, title and text of a caution of the reader."""
    lines = line_numbers(numbers)
    return {
        "doubled_id": (
            "info", _("Een kenmerk staat dubbel in het betaalbestand"),
            _("Het gaat om %(lines)s. Elke betaling krijgt een eigen kenmerk, dus alles wordt gewoon betaald.",
              lines=lines),
        ),
        "text_beside_reference": (
            "info", _("De ontvanger ziet alleen het betalingskenmerk"),
            _("Bij %(lines)s staat ook een omschrijving. De ontvanger ziet die niet.", lines=lines),
        ),
        "remittance_not_carried": (
            "info", _("Een deel van de omschrijving past niet in de betaling"),
            _("Bij %(lines)s staan gegevens die niet in een SEPA-betaling passen.", lines=lines),
        ),
        "bad_check_digits": (
            "warn", _("Een betalingskenmerk lijkt niet te kloppen"),
            _(
                "Het gaat om %(lines)s. Controleer het kenmerk: de bank of de ontvanger kan de betaling weigeren.",
                lines=lines),
        ),
        "bad_date": (
            "info", _("De dag in het betaalbestand is onleesbaar"), _("Controleer of de dag hieronder klopt."),
        ),
    }.get(code, ("info", _("Het betaalbestand bevat iets ongewoons"), _("Controleer de regels.")))  # fmt: skip


def left_out_text(lines: Sequence[HeldLineView]) -> tuple[str, str]:
    """Return title and text about the lines of zero."""
    title = ngettext(
        "%(num)s regel van € 0,00 is weggelaten", "%(num)s regels van € 0,00 zijn weggelaten", len(lines)
    )  # fmt: skip
    names = ", ".join(isolate(line.name) or _("Zonder naam") for line in lines[:5])
    others = len(lines) - 5
    if others > 0:
        names = _("%(names)s en %(others)s andere", names=names, others=number(others))
    return title, _("%(names)s: niets te betalen.", names=names)
