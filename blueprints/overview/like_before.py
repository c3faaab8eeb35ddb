"""A payment that is like the one before, with the button that approves it; of another, why it is opened first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.actions import Action
from blueprints.payments.page import PaymentPage, build_page
from blueprints.payments.presenters.pay_changes import percent_of_total, when
from blueprints.payments.presenters.warnings import find_notices
from blueprints.web.formatters import euro
from blueprints.web.lazy_texts import _l
from core.iban import format_iban
from domain.payments import queries
from domain.payments.payment_views import BatchRow, Payment
from domain.payments.usual_payments import Unusual, find_unusual_about, is_approved_from_overview
from models import Membership
from models.states import BatchState

MOST = 3  # each is read whole
_WHY = {
    Unusual.FIRST: _l("er is nog geen eerdere betaling om mee te vergelijken"),
    Unusual.PEOPLE: _l("niet iedereen krijgt het gewone bedrag"),
    Unusual.ACCOUNTS: _l("er staat een waarschuwing bij een rekeningnummer"),
    Unusual.NAMES: _l("een naam is bij de bank anders"),
    Unusual.LINES: _l("niet elke regel wordt betaald"),
    Unusual.DOUBTS: _l("er is een vraag over de salarisrun"),
    Unusual.WARNINGS: _l("er staat een waarschuwing bij"),
}


@dataclass(frozen=True)
class LikeBefore:
    """A payment on the overview. `label`: of the button that approves it, `pin_url` where that takes the PIN; without a
    label it is opened first, for the reasons in `text`.
    """

    page: PaymentPage
    title: str
    text: str
    facts: str
    label: str = ""
    pin_url: str = ""


def present(membership: Membership, waiting: Sequence[BatchRow]) -> list[LikeBefore]:
    """Return the payments that wait for this member, where the owner lets them be approved from the overview."""
    client = membership.client
    if client.usual_span_percent is None:
        return []
    rows = islice((row for row in waiting if row.state == BatchState.OPEN), MOST)
    payments = [queries.get_payment(client, row.reference) for row in rows]
    return [
        found for payment in payments
        if is_approved_from_overview(client, payment) and (found := _present(membership, payment))
    ]  # fmt: skip


def _present(membership: Membership, payment: Payment) -> LikeBefore | None:
    page = build_page(membership, payment)
    if page.payment.hidden or not page.can_pay:
        return None
    unusual = find_unusual_about(payment, membership.client.usual_span_percent or 0)
    if not unusual and find_notices(payment):
        unusual = [Unusual.WARNINGS]
    title = f"{payment.company_name}, {payment.description}"
    if unusual or page.action not in (Action.APPROVE, Action.APPROVE_WITH_PIN):
        return LikeBefore(page, title, _why(unusual, payment), "") if unusual else None
    pin_url = page.url("pin", shown=payment.digest) if page.action is Action.APPROVE_WITH_PIN else ""
    return LikeBefore(page, title, _same(payment), _facts(page), page.action_label, pin_url)


def _same(payment: Payment) -> str:
    """Return what is the same: "Zelfde als in oktober: 8 regels, totaal +0,4 %."."""
    against, lines = payment.changes.against, payment.lines_payable
    if against is None:
        return ""
    count = ngettext("%(num)s regel", "%(num)s regels", lines)
    return _("Zelfde als %(when)s: %(count)s, totaal %(percent)s.", when=when(against), count=count,
             percent=percent_of_total(payment.changes))  # fmt: skip


def _facts(page: PaymentPage) -> str:
    """Return when and from where it is paid."""
    account = page.payment.account
    return _("%(day)s, van %(name)s %(iban)s", day=page.execution_day, name=account.name,
             iban=format_iban(account.iban))  # fmt: skip


def _why(unusual: Sequence[Unusual], payment: Payment) -> str:
    told = [_reason(one, payment) for one in unusual]
    return _("Bekijk deze betaling eerst: %(why)s.", why=", ".join(filter(None, told)))


def _reason(one: Unusual, payment: Payment) -> str:
    changes = payment.changes
    if one is Unusual.TOTAL and changes.against is not None:
        return _("het totaal was %(when)s %(before)s", when=when(changes.against), before=euro(changes.before_cents))
    if one is Unusual.OTHER_KIND:
        return _("dit is geen gewone salarisbetaling")
    return str(_WHY.get(one, ""))
