"""What is said of the lines of a payment: of each, of those that are shown, and of what became of one."""

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.context import euro, number
from blueprints.payments.presenters.bank_codes import LINE_REASONS
from blueprints.texts import _l
from domain.found_lines import REFUSED, REMARKED, SEARCHED_FROM
from domain.payments import LineView, Payment

LINES = {
    "refused": (_l("Niet betalen"), "bad"),
    "rejected": (_l("Geweigerd door de bank"), "bad"),
    "returned": (_l("Teruggestort"), "bad"),
    "executed": (_l("Betaald"), "good"),
    "void": (_l("Vervallen: deze run is opnieuw gedraaid"), ""),
}


def line(row: LineView, payment: Payment) -> tuple[str, str]:
    """What stands in the place of a line's description, and its tone; nothing where the payment says it for all."""
    if row.state == "sent" and payment.state == "partly_executed":
        return _("Nog niet bekend: vraag het je bank"), "warn"
    words, tone = LINES.get(row.state, ("", ""))
    if row.bank_reason in LINE_REASONS:
        return f"{words}: {LINE_REASONS[row.bank_reason]}", tone
    return ("", "") if row.state == payment.state else (str(words), tone)


FILTERS = (("", _l("Alles")), (REFUSED, _l("Niet betalen")), (REMARKED, _l("Met opmerking")))


def searched(payment: Payment) -> bool:
    """There is something to search in; or somebody does."""
    return bool(payment.found and (payment.lines_all >= SEARCHED_FROM or payment.found.look.filters))


def shown_of(payment: Payment) -> str:
    """How many of all lines are shown, and that this says nothing about what is paid; empty where all are."""
    found = payment.found
    if not found or (found.pages == 1 and not found.look.filters):
        return ""
    whole = number(payment.lines_all)
    if not found.look.filters:
        told = _("Regel %(first)s tot en met %(last)s van %(all)s.",
                 first=number(found.first), last=number(found.last), all=whole)  # fmt: skip
    elif found.pages == 1:
        told = _("%(some)s van %(all)s regels getoond.", some=number(found.count), all=whole)
    else:
        told = _("%(some)s van %(all)s regels gevonden; je ziet %(first)s tot en met %(last)s.",
                 some=number(found.count), all=whole, first=number(found.first), last=number(found.last))  # fmt: skip
    return f"{told} {_pays_for(payment)}".strip()


def _pays_for(payment: Payment) -> str:
    if payment.state != "open" or not payment.lines_payable:
        return ""
    if payment.lines_payable == payment.lines_all:
        return _("Betaal geldt voor alle %(all)s.", all=number(payment.lines_all))
    return _("Betaal geldt voor alle %(some)s die niet zijn weggestreept.", some=number(payment.lines_payable))


def found_told(payment: Payment) -> str:
    """What is spoken after searching or turning a page."""
    count = payment.found.count if payment.found else 0
    told = ngettext("%(num)s regel gevonden.", "%(num)s regels gevonden.", count)
    return f"{told} {shown_of(payment)}".strip() if count else _("Geen regels gevonden.")


def nothing_found(payment: Payment) -> str:
    """In the place of the lines where there are none."""
    text = payment.found.look.text if payment.found else ""
    return _("Geen regels gevonden met “%(text)s”.", text=text) if text else _("Er zijn geen regels van deze soort.")


def judged(row: LineView, payment: Payment) -> str:
    """What became of a line, and of the total."""
    verdict = _("wordt betaald") if row.payable else _("wordt niet betaald")
    return _("%(name)s: %(verdict)s. Totaal %(sum)s.", name=row.name, verdict=verdict, sum=euro(payment.total_cents))


def all_back(payment: Payment, back: int) -> str:
    """What *Alles goedkeuren* did; nothing is paid by it."""
    if not back:
        return _("Alle regels worden betaald.")
    told = ngettext("%(num)s regel is teruggezet.", "%(num)s regels zijn teruggezet.", back)
    whole = ngettext(
        "De betaling is weer %(sum)s.", "Alle %(count)s regels doen weer mee: %(sum)s.", payment.lines_all,
        count=number(payment.lines_all), sum=euro(payment.total_cents),
    )  # fmt: skip
    return f"{told} {whole} {_('Er is nog niets betaald.')}"


def struck(payment: Payment) -> str:
    """What *Alles goedkeuren* takes back."""
    count = payment.lines_all - payment.lines_payable
    return ngettext("%(num)s weggestreepte regel weer betalen", "%(num)s weggestreepte regels weer betalen", count)
