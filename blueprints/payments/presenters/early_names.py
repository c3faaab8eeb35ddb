"""What was said of names days before the payment: a box with the names that differ, and a sentence at each line."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.status import NAME_MATCHES
from blueprints.payments.presenters.warnings import row_url
from blueprints.web.formatters import number
from domain.payments.early_names import EarlyName
from domain.payments.payment_views import Payment

MOST_ROWS = 10  # names that the box shows; the others stand among the lines


@dataclass(frozen=True)
class EarlyNameRow:
    """One name that differs. `url`: of its line. `holder`: the bank's name; `take_url`: the address that takes it over,
    "" if this person cannot.
    """

    line: int
    name: str
    url: str
    text: str
    holder: str
    take_url: str


@dataclass(frozen=True)
class EarlyNameBox:
    """The names that differ. `others`: how many more there are, in words."""

    title: str
    rows: list[EarlyNameRow]
    others: str


def present_early_names(payment: Payment, may_take_over: bool, url: Callable[..., str]) -> EarlyNameBox | None:
    """Return the box; None if no name differs. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    differing = [one for one in payment.early_names if one.differs]
    if not differing:
        return None
    more = len(differing) - MOST_ROWS
    return EarlyNameBox(
        ngettext("%(num)s naam komt niet overeen", "%(num)s namen komen niet overeen", len(differing)),
        [_row(one, payment, may_take_over, url) for one in differing[:MOST_ROWS]],
        _("en nog %(count)s; ze staan hieronder bij de regels", count=number(more)) if more > 0 else "",
    )


def _row(one: EarlyName, payment: Payment, may_take_over: bool, url: Callable[..., str]) -> EarlyNameRow:
    take = url("take_over_early_name", line_id=one.line) if may_take_over and one.holder else ""
    link = row_url(one.line, one.place, payment, url)
    return EarlyNameRow(one.line, one.name, link, sentence(one), one.holder, take)


def early_name_of(line: int, payment: Payment) -> EarlyName | None:
    return next((one for one in payment.early_names if one.line == line), None)


def sentence(one: EarlyName) -> str:
    """Return what was said of this name."""
    if one.holder:
        return _("De bank kent deze rekening als: %(name)s.", name=one.holder)
    if one.matches:
        return _("De naam hoort volgens de bank bij deze rekening.")
    return str(NAME_MATCHES[one.result])
