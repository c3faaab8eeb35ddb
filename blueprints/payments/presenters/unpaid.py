"""*Niet betaald*: what was not paid, why in words, and for everything a way on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.bank_codes import BANK_REASONS, LINE_REASONS
from blueprints.payroll.presenters.held_lines import held_reason, held_todo, sum_text
from blueprints.web.formatters import day, euro, long_day
from blueprints.web.lazy_texts import _l
from blueprints.web.parts import Link, Task
from domain.orders.conclusion import NOT_TAKEN, SAID_UNPAID, SIGNING_FAILED
from domain.payroll.unpaid import PAYABLE, WAITING, UnpaidLine, Why
from domain.payroll.unpaid_payment import Choice
from models import PayrollRun
from models.states import RunState

MOST_ROWS = 200  # of one run; a payment shows the others on its own page

_WORDS = {
    Why.NOT_ASKED: _l("Nog niet betaald"),
    Why.LATER: _l("Later betalen"),
    Why.EXCLUDED: _l("Niet betalen"),
    Why.DISPUTED: _l("Onzeker: tegenstrijdige berichten van de bank"),
    Why.UNCERTAIN: _l("Onzeker: nog geen bericht van de bank"),
}
_REFUSED, _RETURNED = _l("Geweigerd door de bank"), _l("Teruggestort")
# What was said of it, where that is not the bank's refusal.
_NOT_REFUSED = {
    "CANC": _l("Geannuleerd bij de bank"),
    SIGNING_FAILED: _l("Niet ondertekend"),
    NOT_TAKEN: _l("De bank heeft de betaling niet ontvangen"),
    SAID_UNPAID: _l("Doorgegeven: de bank heeft het bestand geweigerd"),
}


@dataclass(frozen=True)
class UnpaidRow:
    """One line. `sum` is its amount as text, "" if it is not known; `status` is why it was not paid, in this `tone`;
    `payment` the payment that did not pay it.

    `excess`: where two people can allow to pay it all the same.
    """

    name: str
    iban: str
    sum: str
    status: str
    tone: str
    since: str
    payment: Link | None
    key: str
    excess: Link | None = None


@dataclass(frozen=True)
class UnpaidGroup:
    """The lines of one run. `text` says what they wait for; `way` is where to go on, if not with a button.

    `url`, `choice` and `label` are of the button for all of them; `row_label` of the button at each line; `never_url`
    of the one that decides that a line is not paid, "" if there is none.
    """

    title: str
    count: str
    rows: list[UnpaidRow]
    more: str
    text: str
    way: Link | None
    url: str
    choice: str
    label: str
    row_label: str
    row_tone: str
    never_url: str


@dataclass(frozen=True)
class UnpaidSection:
    title: str
    lead: str
    groups: list[UnpaidGroup]


# --- links to the page ----------------------------------------------------------------------------
def unpaid_task(lines: Sequence[UnpaidLine]) -> Task | None:
    """Return the row that leads to the page; None when everybody was paid."""
    if not lines:
        return None
    open_now, account = _count(lines, PAYABLE), _count(lines, {Why.WRONG_ACCOUNT})
    waiting, excluded, held = _count(lines, WAITING), _count(lines, {Why.EXCLUDED}), _count(lines, {Why.HELD})
    later = people_later(len({one.due for one in lines if one.why is Why.LATER}))
    parts = [
        later,
        ngettext("%(num)s opnieuw te betalen", "%(num)s opnieuw te betalen", open_now) if open_now else "",
        ngettext("%(num)s rekening controleren", "%(num)s rekeningen controleren", account) if account else "",
        ngettext("%(num)s aanpassen in Nmbrs", "%(num)s aanpassen in Nmbrs", held) if held else "",
        ngettext("%(num)s wacht", "%(num)s wachten", waiting) if waiting else "",
        ngettext("%(num)s weggelaten", "%(num)s weggelaten", excluded) if excluded else "",
    ]
    tone = "warn" if open_now or account or later else ""
    return Task(url_for("payments.list_unpaid"), "warn", _("Niet betaald"), " · ".join(filter(None, parts)), tone)


def people_later(count: int) -> str:
    """Return how many people are to be paid later; "" if nobody is."""
    return ngettext("%(num)s persoon later te betalen", "%(num)s personen later te betalen", count) if count else ""


def needs_attention(lines: Iterable[UnpaidLine]) -> bool:
    """Return whether the overview should tell it: somebody can do something, and nothing else there says so."""
    return any(one.why not in (Why.EXCLUDED, Why.HELD, Why.SUSPENDED) and not one.needs_action for one in lines)


def unpaid_of_payment(lines: Sequence[UnpaidLine]) -> Link | None:
    """Return the link from a payment to what it did not pay; the payment itself says what waits, and why."""
    unpaid = len(lines) - _count(lines, {*WAITING, Why.HELD})
    if not unpaid:
        return None
    text = ngettext("Niet betaald: %(num)s regel", "Niet betaald: %(num)s regels", unpaid)
    return Link(text, url_for("payments.list_unpaid"))


def _count(lines: Iterable[UnpaidLine], why: Iterable[Why]) -> int:
    return sum(one.why in why for one in lines)


# --- the page -------------------------------------------------------------------------------------
def present_unpaid(lines: Sequence[UnpaidLine], can_pay: bool, hidden: bool) -> list[UnpaidSection]:
    """Return what was not paid, what can be done at once first. `hidden`: only how many lines may be shown."""
    sections = (
        (_("Kan opnieuw betaald worden"), _lead_payable(can_pay), PAYABLE, Choice.PAYABLE),
        (_("Later te betalen"), _lead_later(can_pay), {Why.LATER}, Choice.LATER),
        (_("Rekeningnummer controleren"), _lead_account(), {Why.WRONG_ACCOUNT}, Choice.WRONG_ACCOUNT),
        (_("Kan zo niet betaald worden"), _lead_held(), {Why.HELD}, None),
        (_("Wacht nog"), "", WAITING, None),
        (_("Niet te betalen"), _lead_excluded(can_pay), {Why.EXCLUDED}, Choice.EXCLUDED),
    )  # fmt: skip
    found = []
    for title, lead, whys, choice in sections:
        some = [one for one in lines if one.why in whys]
        if some:
            groups = [_group(part, choice, hidden, can_pay) for part in _by_run(some)]
            found.append(UnpaidSection(title, lead, groups))
    return found


def _by_run(lines: Sequence[UnpaidLine]) -> list[list[UnpaidLine]]:
    """Lines of one run that are dealt with, or wait, together; the newest run first."""
    return [list(part) for _key, part in groupby(sorted(lines, key=_together), key=_together)]


def _together(one: UnpaidLine) -> tuple:
    return -one.run.id, one.why if one.why in WAITING else "", one.until or date.min


def _group(lines: list[UnpaidLine], choice: Choice | None, hidden: bool, can_pay: bool) -> UnpaidGroup:
    choice = choice if can_pay and not hidden else None
    first, run = lines[0], lines[0].run
    rows = [] if hidden or first.why is Why.SUSPENDED else [_row(one, can_pay) for one in lines[:MOST_ROWS]]
    left = len(lines) - len(rows) if rows else 0
    text, way = _waits_for(first) if first.why in WAITING else ("", None)
    return UnpaidGroup(
        title=_run_name(run),
        count="" if rows else ngettext("%(num)s regel", "%(num)s regels", len(lines)),
        rows=rows,
        more=ngettext("En nog %(num)s regel.", "En nog %(num)s regels.", left) if left else "",
        text=text,
        way=way,
        url=url_for("payments.pay_unpaid", run_id=run.id),
        choice=choice or "",
        label=_label(lines, choice),
        row_label=_row_label(choice),
        row_tone="plain" if choice is Choice.WRONG_ACCOUNT else "quiet",
        never_url=url_for("payments.leave_unpaid", run_id=run.id) if choice is Choice.LATER else "",
    )


def _run_name(run: PayrollRun) -> str:
    return f"{run.company.name}, {run.description or _('Loonheffing')}"


def _label(lines: Sequence[UnpaidLine], choice: Choice | None) -> str:
    total = euro(sum(one.amount_cents or 0 for one in lines))
    if choice is Choice.PAYABLE:
        return ngettext("Zet %(sum)s klaar", "Zet %(num)s regels klaar: %(sum)s", len(lines), sum=total)
    if choice is Choice.LATER and len(lines) > 1:
        return ngettext("Betaal alsnog %(num)s regel: %(sum)s", "Betaal alsnog %(num)s regels: %(sum)s", len(lines),
                        sum=total)  # fmt: skip
    return ""


def _row_label(choice: Choice | None) -> str:
    late = _("Alsnog betalen")
    labels = {Choice.WRONG_ACCOUNT: _("Toch deze rekening gebruiken"), Choice.LATER: late, Choice.EXCLUDED: late}
    return labels.get(choice, "") if choice else ""


# --- texts ----------------------------------------------------------------------------------------
def _lead_payable(can_pay: bool) -> str:
    if not can_pay:
        return _("Iemand die mag betalen kan dit opnieuw klaarzetten.")
    return _("Je controleert de nieuwe betaling en keurt die goed. Tot dan wordt er niets betaald.")


def _lead_account() -> str:
    return _(
        "De bank accepteert dit rekeningnummer niet. Wijzig het in Nmbrs en draai de run opnieuw. Daarna staat het "
        "bedrag hier klaar."
    )


def _lead_held() -> str:
    return _(
        "De bank accepteert deze regels niet. Per regel zie je wat je kunt doen."
    )


def _lead_later(can_pay: bool) -> str:
    if not can_pay:
        return _("Deze regels zijn weggelaten met ✗. Iemand die mag betalen kan ze alsnog betalen.")
    return _("Deze regels zijn weggelaten met ✗. Zet ze klaar, of kies dat je ze niet betaalt.")


def _lead_excluded(can_pay: bool) -> str:
    if not can_pay:
        return _("Deze regels worden niet betaald. Iemand die mag betalen kan ze alsnog betalen.")
    return _("Deze regels betaal je niet. Je kunt ze alsnog klaarzetten en goedkeuren.")


def _waits_for(one: UnpaidLine) -> tuple[str, Link | None]:
    """Return why it cannot be paid now and what to do, and where."""
    payment = Link(_("Bekijk de betaling"), _payment_url(one)) if one.reference else None
    if one.why is Why.PENDING and one.until:
        return _(
            "De bank heeft dit geweigerd. Bij genoeg saldo kan de betaling tot en met %(day)s toch nog worden "
            "uitgevoerd. Vul je saldo aan en wacht, of annuleer de betaling eerst. Daarna kun je de betaling hier "
            "opnieuw klaarzetten.",
            day=long_day(one.until),
        ), payment
    if one.why is Why.DISPUTED:
        return _(
            "De berichten van je bank zijn tegenstrijdig. We zoeken dit uit met je bank. Betaal dit niet op een "
            "andere manier, anders wordt er dubbel betaald."
        ), payment
    if one.why is Why.UNCERTAIN:
        return _(
            "De status bij de bank is nog niet bekend. We blijven het nagaan. Je kunt ook een bankbestand uploaden "
            "bij de betaling."
        ), payment
    return _suspended(one.run)


def _suspended(run: PayrollRun) -> tuple[str, Link]:
    history = Link(_("Bekijk de run"), url_for("payroll.history_entry", run_id=run.id))
    if run.state == RunState.DELETED:
        return _(
            "De salarisrun staat niet meer in Nmbrs. Heb je de run zelf verwijderd? Dan hoef je niets te doen. Draai "
            "de run anders opnieuw."
        ), history
    if run.state == RunState.INVALID:
        return _(
            "De salarisrun is opnieuw gedraaid, met een fout in het bestand. Herstel de fout in Nmbrs en draai de "
            "run opnieuw."
        ), history
    if run.unlisted_since is not None:
        return _(
            "De salarisrun staat nu niet in Nmbrs. We controleren dit straks opnieuw. Je hoeft niets te doen."
        ), history
    return _("De salarisrun wordt opnieuw opgehaald. Daarna zie je hier wat er nog betaald moet worden."), history


def _row(one: UnpaidLine, can_pay: bool) -> UnpaidRow:
    return UnpaidRow(
        name=one.name or _("Zonder naam"),
        iban=one.iban,
        sum=sum_text(one.amount_cents, one.currency),
        status=status_of(one),
        tone="" if one.why is Why.EXCLUDED else "warn" if one.why in {*WAITING, Why.LATER} else "bad",
        since=_("sinds %(day)s", day=day(one.since)),
        payment=Link(_("Betaling"), _payment_url(one)) if one.reference else None,
        key=one.key,
        excess=_excess(one) if can_pay else None,
    )


def _excess(one: UnpaidLine) -> Link | None:
    if one.asked_line is None or not one.reference:
        return None
    return Link(
        _("Toch extra betalen"),
        url_for("payments.ask_excess", reference=one.reference, line_id=one.asked_line),
    )


def _payment_url(one: UnpaidLine) -> str:
    return url_for("payments.detail", reference=one.reference)


def status_of(one: UnpaidLine) -> str:
    """Return why it was not paid, with the bank's reason."""
    said = one.said
    if one.why is Why.HELD and one.held:
        return f"{held_reason(one.held)} {held_todo(one.held)}"
    tried = _RETURNED if one.returned else (said and _NOT_REFUSED.get(said.code)) or _REFUSED
    words = str(_WORDS.get(one.why, tried))
    if said is None or not said.reason or one.why in _WORDS:
        return words
    if not said.about_line and said.reason in BANK_REASONS:
        return f"{words}. {BANK_REASONS[said.reason]}"
    return f"{words}: {LINE_REASONS[said.reason]}" if said.reason in LINE_REASONS else f"{words} ({said.reason})"
