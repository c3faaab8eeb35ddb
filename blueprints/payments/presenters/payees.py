"""New and changed accounts: one box for each kind, with everybody whom it is about, and what was answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.early_names import early_name_of, sentence
from blueprints.payments.presenters.status import NBSP
from blueprints.payments.presenters.warnings import row_url
from blueprints.web.formatters import country, day, euro, full_date, number
from blueprints.web.lazy_texts import _l
from core.iban import format_iban
from domain.payments.payee_answers import NOT_YET
from domain.payments.payee_checks import PayeeCheck, seen_digest
from domain.payments.payee_findings import Concern, Finding, PaidAccount
from domain.payments.payment_views import Payment

MOST_ROWS = 10  # people whom a box names, the unusual ones first; the others stand among the lines
MOST_NAMES = 3  # people with the same account whom a sentence names
MOST_ALONE = 6  # up to this number of people, each can also be answered alone

# How somebody made sure, in the order of the buttons.
WAYS = {"phone": _l("Telefonisch"), "in_person": _l("Persoonlijk"), "records": _l("Uit dossier")}
_DONE = {"phone": _l("telefonisch"), "in_person": _l("persoonlijk"), "records": _l("uit het dossier")}


@dataclass(frozen=True)
class PayeeRow:
    """One person, and what is unusual, in sentences. `url`: of the line, until it is answered."""

    line: int
    name: str
    url: str
    sentences: list[str]


@dataclass(frozen=True)
class PayeeBox:
    """All findings of one kind. `seen`: what a form sends of an open box; "" if nothing is asked in it.

    `others`: how many people are not among `rows`. `answers`: who answered, how and when.
    `ways`: value and label of each answer that confirms.
    """

    concern: str
    title: str
    text: str
    summary: str
    rows: list[PayeeRow]
    others: str
    answers: list[str]
    seen: str
    ways: list[tuple[str, str]]
    not_yet: str
    each: bool  # a single person can be answered alone

    @property
    def is_open(self) -> bool:
        return bool(self.seen)


def present_payees(payment: Payment, may_answer: bool, url: Callable[..., str]) -> list[PayeeBox]:
    """Return the boxes, what is asked first. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    boxes = []
    for concern in Concern:
        found = [one for one in payment.payees if one.finding.concern == concern]
        waiting = [one for one in found if one.waits]
        done = [one for one in found if not one.waits]
        boxes += [_box(concern, part, payment, may_answer, url) for part in (waiting, done) if part]
    return sorted(boxes, key=lambda box: not box.is_open)


def _box(
    concern: Concern, found: Sequence[PayeeCheck], payment: Payment, may_answer: bool, url: Callable[..., str]
) -> PayeeBox:  # fmt: skip
    asks, rows = found[0].waits, _shown(found)
    return PayeeBox(
        concern=str(concern), title=_title(concern, found), text=_text(concern, found, payment, may_answer),
        summary=ngettext("Bekijk wie", "Bekijk de %(count)s mensen", len(found), count=number(len(found))),
        rows=[_row(one, payment, url) for one in rows],
        others=_others(len(found) - len(rows)) if rows else "",
        answers=_answers(found),
        seen=seen_digest(found) if asks else "",
        ways=[(way, str(label)) for way, label in WAYS.items()] if asks and may_answer else [],
        not_yet=NOT_YET, each=1 < len(found) <= MOST_ALONE,
    )  # fmt: skip


def _others(count: int) -> str:
    return _("en nog %(count)s; ze staan hieronder bij de regels", count=number(count)) if count else ""


def _shown(found: Sequence[PayeeCheck]) -> list[PayeeCheck]:
    """Return the people whom a box names: who is more than new first; of many who were answered about, only those."""
    remarkable = [one for one in found if _is_remarkable(one.finding)]
    if found[0].is_answered and len(found) > MOST_ALONE:
        return remarkable[:MOST_ROWS]
    return [*remarkable, *(one for one in found if not _is_remarkable(one.finding))][:MOST_ROWS]


def _is_remarkable(finding: Finding) -> bool:
    return bool(finding.before or finding.others or finding.abroad or finding.came_back)


def _title(concern: Concern, found: Sequence[PayeeCheck]) -> str:
    count = len(found)
    if concern is Concern.CAME_BACK:
        return ngettext(
            "%(num)s rekening waarvan geld is teruggestort", "%(num)s rekeningen waarvan geld is teruggestort", count
        )
    if concern is Concern.CHANGED:
        title = ngettext("%(num)s gewijzigd rekeningnummer", "%(num)s gewijzigde rekeningnummers", count)
    else:
        title = ngettext("%(num)s nieuw rekeningnummer", "%(num)s nieuwe rekeningnummers", count)
    if found[0].waits or not _shown(found):  # who answered stands beside a title without people
        return title
    return _("%(title)s, nagevraagd", title=title)


def _text(concern: Concern, found: Sequence[PayeeCheck], payment: Payment, may_answer: bool) -> str:
    if concern is Concern.CAME_BACK:
        return _("Vraag na of de rekening nog bestaat.")
    if not found[0].waits:
        return ""
    if not may_answer:
        return _("Iemand die mag betalen controleert dit vóór de betaling.")
    if concern is Concern.CHANGED:
        return _("Vraag het de medewerker zelf. Bel een nummer dat je al had, niet een nummer uit een mail.")
    if len(found) == payment.lines_payable > 1:
        return _("Aan deze mensen betaal je hier voor het eerst. Controleer de rekeningnummers.")
    return _("Hier is niet eerder naartoe betaald. Controleer het rekeningnummer.")


def _row(one: PayeeCheck, payment: Payment, url: Callable[..., str]) -> PayeeRow:
    link = row_url(one.finding.line, one.place, payment, url) if not one.is_answered else ""
    said = early_name_of(one.finding.line, payment)
    told = [sentence(said)] if said and not said.taken_over else []
    return PayeeRow(one.finding.line, one.name, link, sentences(one) + told)


def _shared_with(names: Sequence[str]) -> str:
    told, more = "; ".join(names[:MOST_NAMES]), len(names) - MOST_NAMES
    if more > 0:
        return _("Dit rekeningnummer staat ook bij: %(names)s; en nog %(count)s.", names=told, count=number(more))
    return _("Dit rekeningnummer staat ook bij: %(names)s.", names=told)


def sentences(one: PayeeCheck) -> list[str]:
    """Return what is unusual about this line, with its figures."""
    finding, iban, sum_now = one.finding, _iban(one.finding.iban), euro(one.amount_cents)
    if finding.concern is Concern.CAME_BACK and finding.came_back:
        return [_("Een betaling naar %(iban)s is teruggestort (%(day)s).", iban=iban, day=day(finding.came_back))]
    if finding.before:
        told = [_("%(sum)s naar %(iban)s.", sum=sum_now, iban=iban), *(_before(old) for old in finding.before)]
    else:
        told = [_("Eerste betaling: %(sum)s naar %(iban)s.", sum=sum_now, iban=iban)]
    if finding.others:
        told.append(_shared_with(finding.others))
    if finding.beyond_sepa:
        told.append(_("De rekening is in %(country)s, buiten het SEPA-gebied.", country=country(finding.abroad)))
    elif finding.abroad:
        told.append(_("De rekening is in het buitenland: %(country)s.", country=country(finding.abroad)))
    if finding.came_back:
        told.append(_("Een eerdere betaling naar deze rekening is teruggestort (%(day)s).", day=day(finding.came_back)))
    return told


def _before(old: PaidAccount) -> str:
    first, last = old.first or date.min, old.last or date.min
    if first == last:
        return _("Eerder: %(iban)s, op %(last)s.", iban=_iban(old.iban), last=full_date(last))
    return _(
        "Eerder: %(iban)s, van %(first)s tot en met %(last)s.", iban=_iban(old.iban), first=full_date(first),
        last=full_date(last),
    )  # fmt: skip


def _answers(found: Sequence[PayeeCheck]) -> list[str]:
    """Return who answered, how and when, each once."""
    given = [one.given for one in found if one.given and one.is_answered]
    once = {(one.answer, one.user.id, one.answered_at.date()): one for one in given}
    return [
        _("Nagevraagd (%(how)s) door %(who)s, %(day)s.", how=_DONE[one.answer], who=one.user.name,
          day=full_date(one.answered_at))
        for one in once.values()
    ]  # fmt: skip


def answered(answer: str, count: int) -> str:
    """Return what a screen reader hears after an answer."""
    if answer == NOT_YET:
        return ngettext("%(num)s regel wordt nog niet betaald.", "%(num)s regels worden nog niet betaald.", count)
    return ngettext("%(num)s rekeningnummer nagevraagd.", "%(num)s rekeningnummers nagevraagd.", count)


def _iban(iban: str) -> str:
    return format_iban(iban).replace(" ", NBSP)
