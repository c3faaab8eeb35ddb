"""The lines of a payment: each line with its status, and which of them the page shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.actions import EDITABLE
from blueprints.payments.line_query import query_values
from blueprints.payments.presenters.bank_codes import LINE_REASONS
from blueprints.payments.presenters.early_names import early_name_of, sentence
from blueprints.payments.presenters.pay_changes import remark_on
from blueprints.web.formatters import euro, number
from blueprints.web.lazy_texts import _l
from domain.payments.line_search import BY_AMOUNT, BY_NAME, REFUSED, REMARKED, SEARCHED_FROM, LinePage
from domain.payments.payment_views import LineView, Payment
from domain.payments.state_machine import SENT
from models.states import BatchState, LineState
from models.verdicts import LATER, NEVER

LINES: dict[str, tuple] = {
    LineState.REJECTED: (_l("Geweigerd door de bank"), "bad"),
    LineState.RETURNED: (_l("Teruggestort"), "bad"),
    LineState.DISPUTED: (_l("Onzeker: tegenstrijdige berichten van de bank"), "bad"),
    LineState.EXECUTED: (_l("Betaald"), "good"),
    LineState.SUPERSEDED: (_l("Vervallen: deze run is opnieuw gedraaid"), ""),
}
VERDICTS = {LATER: _l("Later betalen"), NEVER: _l("Niet betalen")}
OTHER_VERDICTS = {LATER: _l("Toch later betalen"), NEVER: _l("Helemaal niet betalen")}
# A void line of a payment that is at a bank, or was: the owner had excluded it, and put it into another payment later.
_PAID_LATER = _l("Weggelaten en later in een andere betaling gezet")

_BANK_SAID = (LineState.REJECTED, LineState.RETURNED, LineState.DISPUTED)


@dataclass(frozen=True)
class LineChoice:
    """What else can be decided at an excluded line, and the address that does it."""

    label: str
    url: str


@dataclass(frozen=True)
class LineRow:
    """One line. `status` replaces the description, in this `tone`; `remarks` are below it.

    `exclude_url` and `include_url` are for ✗ and ✓; "" if lines can no longer be changed. `other`: the reason that an
    excluded line does not have, as long as it can be chosen here; `ask_url`: where to ask whether the run is right.
    `rest`: excludes what else its person is paid here. `whose`: whose pay it is, where that is not the creditor.
    """

    id: int
    name: str
    iban: str
    description: str
    amount_cents: int
    payable: bool
    status: str
    tone: str
    remarks: list[str]
    exclude_url: str
    include_url: str
    other: LineChoice | None = None
    ask_url: str = ""
    rest: LineChoice | None = None
    whose: str = ""


@dataclass(frozen=True)
class Filter:
    """A filter or an order next to the search field."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class LineResults:
    """The shown lines: all of a short payment, a page of a long one, or search results.

    `count_text`: how many are shown, if not all. `nothing_text`: what was not found. `previous_url`, `next_url`: the
    adjacent pages; "" if there is none.
    """

    rows: list[LineRow]
    count_text: str
    nothing_text: str
    searched_text: str
    filters: list[Filter]
    orders: list[Filter]
    page: int
    pages: int
    previous_url: str
    next_url: str

    @property
    def paid(self) -> list[LineRow]:
        return [row for row in self.rows if row.payable]

    @property
    def not_paid(self) -> list[LineRow]:
        return [row for row in self.rows if not row.payable]


def present_line(row: LineView, payment: Payment, url: Callable[..., str]) -> LineRow:
    """Return a line. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    status, tone = line_status(row, payment)
    remarks = [_("Bij de bank: %(text)s", text=text) for text in texts_for_bank(row)]
    if row.already_paid_cents is not None:
        remarks.append(paid_before(row))
    if row.doubted_cents is not None:
        remarks.append(_doubted_before(row))
    if row.state in (LineState.OPEN, LineState.EXCLUDED) and row.bank_reason_code in LINE_REASONS:
        remarks.append(_("Eerder mislukt: %(why)s.", why=LINE_REASONS[row.bank_reason_code]))
    if changed := remark_on(row, payment):
        remarks.append(changed)
    if (said := early_name_of(row.id, payment)) and said.differs:
        remarks.append(sentence(said))
    exclude, include = "", ""
    if payment.state in EDITABLE:
        exclude, include = (url("decide_line", line_id=row.id, verdict=one) for one in ("refuse", "accept"))
    name = row.name if payment.redacted_at is None else _("Gegevens verwijderd")
    return LineRow(
        row.id, name, row.iban, _description(row, payment), row.amount_cents, row.payable, status, tone, remarks,
        exclude, include, *_choices(row, payment, url), _rest_of_person(row, payment, url),
        _("Van het loon van %(name)s", name=row.paid_for) if row.paid_for else "",
    )  # fmt: skip


def _doubted_before(row: LineView) -> str:
    was, now = euro(row.doubted_cents or 0), euro(row.amount_cents)
    if was == now:
        return _("Hier was een vraag over. Het bedrag is niet gewijzigd.")
    return _("Hier was een vraag over: was %(was)s, nu %(now)s.", was=was, now=now)


def _choices(row: LineView, payment: Payment, url: Callable[..., str]) -> tuple[LineChoice | None, str]:
    """Return the other reason, and where to ask; nothing while a question stands, which has choices of its own."""
    if row.verdict is None or row.doubted or payment.state != BatchState.OPEN:
        return None, ""
    other = NEVER if row.verdict == LATER else LATER
    choice = LineChoice(str(OTHER_VERDICTS[other]), url("decide_line", line_id=row.id, verdict=other))
    return choice, url("ask_doubt", line_id=row.id)


def _rest_of_person(row: LineView, payment: Payment, url: Callable[..., str]) -> LineChoice | None:
    """Return the choice to leave out what the person of an excluded line is paid besides it."""
    if row.verdict is None or payment.state != BatchState.OPEN:
        return None
    others = [*payment.lines, *payment.beside_excluded]
    rest = [one for one in others if one.person == row.person and one.id != row.id and one.payable]
    if not rest:
        return None
    names = {"name": row.paid_for or row.name, "sum": euro(sum(one.amount_cents for one in rest))}
    if row.verdict == LATER:
        text = ngettext(
            "Ook de andere regel van %(name)s later betalen (%(sum)s)",
            "Ook de %(num)s andere regels van %(name)s later betalen (%(sum)s)", len(rest), **names,
        )  # fmt: skip
    else:
        text = ngettext(
            "Ook de andere regel van %(name)s niet betalen (%(sum)s)",
            "Ook de %(num)s andere regels van %(name)s niet betalen (%(sum)s)", len(rest), **names,
        )  # fmt: skip
    return LineChoice(text, url("decide_line", line_id=row.id, verdict="person"))


def _description(row: LineView, payment: Payment) -> str:
    if payment.redacted_at is not None:
        return ""
    return _("Betalingskenmerk %(reference)s", reference=row.description) if row.is_reference else row.description


def present_results(payment: Payment, found: LinePage, url: Callable[..., str]) -> LineResults:
    """Return the shown lines, and the links to the others."""
    look = found.look
    before, after = look.page - 1, look.page + 1
    return LineResults(
        rows=[present_line(row, payment, url) for row in payment.lines],
        count_text=result_count(payment, found),
        nothing_text=nothing_found(found),
        searched_text=look.text,
        filters=_chips(FILTERS, look.only),
        orders=_chips(ORDERS, look.order),
        page=look.page,
        pages=found.pages,
        previous_url=url(**query_values(look, before)) if before else "",
        next_url=url(**query_values(look, after)) if after <= found.pages else "",
    )


def _chips(choices: Sequence[tuple[str, object]], chosen: str) -> list[Filter]:
    return [Filter(value or "alles", value, str(label), value == chosen) for value, label in choices]


def line_status(row: LineView, payment: Payment) -> tuple[str, str]:
    """Return the status of a line and its tone; empty if it is that of the payment."""
    if row.state == LineState.SENT and payment.state == BatchState.PARTLY_EXECUTED:
        return _("Nog onbekend"), "warn"
    if row.state == LineState.SENT and payment.state == BatchState.DISPUTED:
        return _("Nog onderweg bij je bank"), "warn"
    if row.doubted and payment.state == BatchState.OPEN:
        return _("Vraag over de salarisrun"), "warn"
    if row.verdict is not None:
        return str(VERDICTS[row.verdict]), "warn" if row.verdict == LATER else "bad"
    text, tone = LINES.get(row.state, ("", ""))
    if row.state == LineState.SUPERSEDED and payment.state in SENT:
        return str(_PAID_LATER), ""
    if row.state in _BANK_SAID and row.bank_reason_code in LINE_REASONS:
        return f"{text}: {LINE_REASONS[row.bank_reason_code]}", tone
    return ("", "") if row.state == payment.state != LineState.DISPUTED else (str(text), tone)


ORDERS = (("", _l("Zoals in de run")), (BY_AMOUNT, _l("Bedrag")), (BY_NAME, _l("Naam")))
FILTERS = (("", _l("Alles")), (REFUSED, _l("Niet betalen")), (REMARKED, _l("Met opmerking")))


def is_searchable(payment: Payment) -> bool:
    """Return whether the page offers a search: for many lines, or while one is active."""
    if payment.redacted_at is not None or payment.found is None:
        return False
    return payment.lines_all >= SEARCHED_FROM or payment.found.look.filters


def result_count(payment: Payment, found: LinePage) -> str:
    """Return how many lines are shown and that paying covers all; "" if all are shown."""
    if found.pages == 1 and not found.look.filters:
        return ""
    whole = number(payment.lines_all)
    if not found.look.filters:
        told = _("Regel %(first)s tot en met %(last)s van %(all)s.",
                 first=number(found.first), last=number(found.last), all=whole)  # fmt: skip
    elif found.pages == 1:
        told = _("%(some)s van %(all)s regels.", some=number(found.count), all=whole)
    else:
        told = _("%(some)s van %(all)s regels gevonden: %(first)s tot en met %(last)s.",
                 some=number(found.count), all=whole, first=number(found.first), last=number(found.last))  # fmt: skip
    return f"{told} {_pays_for(payment)}".strip()


def _pays_for(payment: Payment) -> str:
    if payment.state != BatchState.OPEN or not payment.lines_payable:
        return ""
    if payment.lines_payable == payment.lines_all:
        return _("Met Betaal betaal je alle %(all)s regels.", all=number(payment.lines_all))
    return _("Met Betaal betaal je de %(some)s regels die niet zijn weggelaten.", some=number(payment.lines_payable))


def result_announcement(payment: Payment, found: LinePage) -> str:
    """Return what a screen reader announces after a search or page change."""
    told = ngettext("%(num)s regel gevonden.", "%(num)s regels gevonden.", found.count)
    return f"{told} {result_count(payment, found)}".strip() if found.count else _("Geen regels gevonden.")


def nothing_found(found: LinePage) -> str:
    """Return the text in place of the lines if there are none."""
    text = found.look.text
    return _("Geen regels gevonden met “%(text)s”.", text=text) if text else _("Er zijn geen regels met deze status.")


def decision_announcement(row: LineView, payment: Payment) -> str:
    """Return what a screen reader announces after ✗ or ✓: the line's status and the total."""
    verdict = _("wordt betaald") if row.payable else _("wordt niet betaald")
    if row.verdict == LATER:
        verdict = _("wordt later betaald")
    return _("%(name)s: %(verdict)s. Totaal %(sum)s.", name=row.name, verdict=verdict, sum=euro(payment.total_cents))


def inclusion_announcement(payment: Payment, count: int) -> str:
    """Return the result of including all lines: `count` lines were excluded before. It pays nothing."""
    if not count:
        return asked_about(payment) or _("Alle regels worden betaald.")
    told = ngettext("%(num)s regel is teruggezet.", "%(num)s regels zijn teruggezet.", count)
    if payment.doubts:
        return f"{told} {asked_about(payment)}"
    whole = ngettext(
        "Het totaal is weer %(sum)s.", "Alle %(count)s regels worden weer betaald: %(sum)s.", payment.lines_all,
        count=number(payment.lines_all), sum=euro(payment.total_cents),
    )  # fmt: skip
    return f"{told} {whole} {_('Er is nog niets betaald.')}"


def asked_about(payment: Payment) -> str:
    """Return of how many lines a question stands, so that they are not put back with all others; "" if of none."""
    text = ngettext("Er is nog een vraag over %(num)s regel.", "Er zijn nog vragen over %(num)s regels.",
                    len(payment.doubts))  # fmt: skip
    return text if payment.doubts else ""


def excluded_count(payment: Payment) -> str:
    """Return the label for including the excluded lines, without those of which a question stands; "" if there is none.
    """
    count = payment.lines_all - payment.lines_payable - len(payment.doubts)
    if count <= 0:
        return ""
    return ngettext("%(num)s weggelaten regel toch betalen", "%(num)s weggelaten regels toch betalen", count)


def paid_before(row: LineView) -> str:
    """Return what this account was already paid for the run, and the new total."""
    if row.already_paid_cents is None:
        return ""
    whole = euro(row.already_paid_cents + row.amount_cents)
    return _("Al betaald: %(paid)s. Nu in totaal: %(whole)s.", paid=euro(row.already_paid_cents), whole=whole)


def texts_for_bank(row: LineView) -> list[str]:
    """Return name and description as sent to the bank, if they differ from Nmbrs."""
    pairs = ((row.name, row.creditor_name_sepa), (row.description, row.remittance_sepa))
    return [sent for shown, sent in pairs if shown != sent]
