"""What pages show of payments: a row in a list, and one payment with its lines and its order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from domain.banking.bank_accounts import AccountView
from domain.payments.coverage import Shortfall
from domain.payments.early_names import EarlyName
from domain.payments.held_lines import NONE_HELD, HeldLines
from domain.payments.line_doubts import StandingDoubt
from domain.payments.line_search import LinePage
from domain.payments.pay_changes import NO_CHANGES, Changes
from domain.payments.payee_checks import PayeeCheck
from domain.payments.state_machine import NEEDS_ACTION, SETTLED
from domain.payments.totals import NOT_PAID
from domain.payments.warnings import PaymentWarning
from models import BankOrder
from models.states import RunKind


@dataclass(frozen=True)
class BatchRow:
    """One payment in a list. `total_cents` is the sum of its payable lines."""

    reference: str
    company_name: str
    description: str
    total_cents: int
    lines_payable: int
    lines_all: int
    state: str
    state_changed_at: datetime
    execution_date: date | None
    created_at: datetime
    run_number: int
    is_manual: bool = False
    pay_by: date | None = None  # of wage tax: the last day on which it must have been received
    is_doubted: bool = False  # a question about the run holds it
    elsewhere: bool = False  # its bank did not execute it, and nothing of it is to be paid any more

    @property
    def awaits_action(self) -> bool:
        """Return whether somebody has something to do with it."""
        return self.state in NEEDS_ACTION and not self.elsewhere


@dataclass(frozen=True)
class LineView:
    """One payment line. `already_paid_cents` is what the bank paid of it, where that is less than the line. `verdict`:
    why it is left out, while it is. `paid_for`: the employee whose pay it is, where that is somebody else. `person`:
    the same for all lines of one person. `place`: where the page shows it, from 1. `doubted`: a question about it holds
    the payment. `doubted_cents`: what it was at an earlier payment of the run, when somebody asked whether it is right.
    """

    id: int
    position: int
    name: str
    iban: str
    description: str
    amount_cents: int
    state: str
    creditor_name_sepa: str
    remittance_sepa: str
    already_paid_cents: int | None = None
    bank_reason_code: str | None = None
    is_reference: bool = False  # the description is a structured reference
    verdict: str | None = None
    paid_for: str | None = None
    person: int = 0
    place: int = 0
    doubted: bool = False
    doubted_cents: int | None = None

    @property
    def converted(self) -> bool:
        """Return whether conversion to SEPA characters changed the name or the remittance."""
        return (self.name, self.description) != (self.creditor_name_sepa, self.remittance_sepa)

    @property
    def payable(self) -> bool:
        return self.state not in NOT_PAID


@dataclass(frozen=True)
class OrderView:
    """The newest order of a payment. `row` is its database row, so that nobody needs to read it again.

    `cancel_asked`: somebody asked its bank to cancel it. `is_booked`: any of it is booked. `until`: last day on which
    its bank may still execute what it rejected.
    """

    id: int
    msg_id: str
    state: str
    bank_status: str | None
    can_sign: bool
    row: BankOrder = field(repr=False, compare=False)
    cancel_asked: bool = False
    is_booked: bool = False
    until: date | None = None


@dataclass(frozen=True)
class Payment:
    """One payment as its page shows it.

    `lines` holds all lines, or one page of search results (`found`). Totals, counts, `spelt` and `reasons` always cover
    all lines (see `totals`); `digest` covers all payable lines.
    """

    id: int
    reference: str
    client_name: str
    company_name: str
    description: str
    state: str
    state_reason: str | None
    state_changed_at: datetime
    created_at: datetime
    released_at: datetime | None
    account: AccountView
    execution_date: date
    date_fixed: bool
    total_cents: int
    lines_all: int
    lines_payable: int
    lines: list[LineView]
    digest: str
    debtor_differs: bool
    signing: str
    order: OrderView | None
    kind: str = RunKind.SALARY
    cautions: Sequence[PaymentWarning] = ()
    run_missing: bool = False
    overpaid: Sequence[tuple[str, str, int]] = ()
    unpaid_employee_count: int | None = None
    unpaid_employee_names: Sequence[str] | None = None
    newer_reference: str | None = None
    batch_booking: bool = True
    name_check: bool = True
    is_manual: bool = False
    hidden: bool = False  # this person may not see the lines
    found: LinePage | None = None
    spelt_count: int = 0
    spelt: Sequence[LineView] = ()
    reasons: bool = False
    beside: HeldLines = NONE_HELD  # lines of the run that are in no payment
    is_excess: bool = False  # made of what two people allowed beyond what is owed
    hold: int | None = None  # a hold that keeps it from its bank
    payees: Sequence[PayeeCheck] = ()  # lines whose payee is unusual
    asks_about_payees: bool = False  # an answer about one of them is needed before approval
    early_names: Sequence[EarlyName] = ()  # while it is open or about to go: what was said of names before
    shortfall: Shortfall | None = None  # what the account lacks on the execution date
    is_payday: bool = False  # the execution date is the usual day of the company
    beside_excluded: Sequence[LineView] = ()  # open lines, not in `lines`, of people of whom it has an excluded line
    pay_by: date | None = None  # of wage tax: the last day on which it must have been received
    tax_reference: str | None = None  # payment reference of the tax authority: sixteen digits
    changes: Changes = NO_CHANGES  # while it can be approved: what changed since the payments before
    approved_changes: Any = None  # afterwards: what its approver was told (`shown_changes.kept`)
    doubts: Sequence[StandingDoubt] = ()  # questions that hold the payment
    is_doubted: bool = False  # one of them stands
    redacted_at: datetime | None = None  # since when nothing tells who was paid
    run_cautions: Sequence[tuple[str, Sequence[int]]] = ()  # code, and the numbers of the lines in the file

    @property
    def unopened(self) -> bool:
        """Return whether a warning must be read before the payment can be approved."""
        return any(not one.opened for one in self.cautions)

    @property
    def needs_pin(self) -> bool:
        """Return whether the signature is given in this app, by PIN or passkey, instead of at the bank."""
        return self.signing == "delegated"

    @property
    def settled(self) -> bool:
        return self.state in SETTLED
