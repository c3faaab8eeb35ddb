"""The plot of what was paid per month: bars in units of a small drawing, and the same in words for a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from blueprints.web.formatters import euro, month, short_month
from domain.overview.monthly_totals import MonthTotal

HEIGHT, STEP, WIDTH = 100, 20, 12  # of the drawing, of one month in it, and of its bar
LEAST = 1  # a small payment is seen all the same


@dataclass(frozen=True)
class Bar:
    """One month. `x`, `y`, `height`, `tax_y`, `tax_height` are in units of the drawing; wage tax stands on salaries."""

    label: str
    month: str
    salary: str
    tax: str
    total: str
    x: int
    y: int
    height: int
    tax_y: int
    tax_height: int


@dataclass(frozen=True)
class Plot:
    """`latest`: the last month with a payment; `has_tax`: wage tax was paid too."""

    bars: list[Bar]
    width: int
    latest: Bar
    has_tax: bool


def present_plot(totals: Sequence[MonthTotal]) -> Plot | None:
    """Return the plot; None if nothing was paid."""
    most = max((one.cents for one in totals), default=0)
    if not most:
        return None
    bars = [_bar(one, place, most) for place, one in enumerate(totals)]
    latest = next(bar for bar, one in zip(reversed(bars), reversed(totals), strict=True) if one.cents)
    return Plot(bars, len(bars) * STEP, latest, any(one.tax_cents for one in totals))


def _bar(total: MonthTotal, place: int, most: int) -> Bar:
    height, tax = _scaled(total.salary_cents, most), _scaled(total.tax_cents, most)
    return Bar(
        short_month(total.month), month(total.month), euro(total.salary_cents), euro(total.tax_cents),
        euro(total.cents), place * STEP + (STEP - WIDTH) // 2, HEIGHT - height, height, HEIGHT - height - tax, tax,
    )  # fmt: skip


def _scaled(cents: int, most: int) -> int:
    """Return the height of an amount. The two parts of the highest bar may be one unit more than the drawing."""
    return max(LEAST, cents * HEIGHT // most) if cents else 0
