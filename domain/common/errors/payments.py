"""A payment before it is sent: changes, approval, limits."""

from domain.common.errors.base import DomainError


class BatchChanged(DomainError):
    """The payment has changed since it was shown."""


class WishesChanged(BatchChanged):
    """What the company wishes of its bank has changed since the payment was shown.

    `reason`: name_check_off, name_check_on or booking_changed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotOpen(DomainError):
    """The payment is not in a state that allows this. `state`: its state."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class UnacknowledgedWarnings(DomainError):
    """The payment has warnings that must be acknowledged first."""


class UnansweredPayees(DomainError):
    """The payment pays new or changed accounts about which nobody has answered yet, or the facts changed since."""


class DoubtStands(DomainError):
    """Somebody asked whether the run has a mistake, and the question is not settled."""


class WordsRefused(DomainError):
    """Words of a person are missing, too many, or hold characters that nobody sees."""


class AnsweredByApprover(DomainError):
    """The person who answered about a new or changed account may not approve the payment."""


class DetailsRemoved(DomainError):
    """Who was paid by the run was removed, because its time was over."""


class RunMissing(DomainError):
    """Nmbrs no longer lists the payroll run of this payment."""


class MoreThanOwed(DomainError):
    """The payment would pay somebody more than the newest version of the run owes."""


class PaymentsHeld(DomainError):
    """Operators hold payments: nothing goes to a bank until they lift the hold."""


class NotCounting(DomainError):
    """The line was not paid and cannot be paid any more: what is owed is paid in the ordinary way."""


class NotSignedYet(DomainError):
    """The payment is at its bank, and still waits for the signature: nothing of it can have been paid."""


class ExcessUnderWay(DomainError):
    """More than is owed is asked or allowed beside this line already, and not finished."""


class ExcessOutdated(DomainError):
    """What was to be paid beyond what is owed no longer fits the newest version of the run."""


class NothingToPay(DomainError):
    """No line is included."""


class LimitExceeded(DomainError):
    """The payment exceeds a limit of the account. Amounts are cents; `kind` is "payment" or "day"."""

    def __init__(self, kind: str, limit_cents: int, total_cents: int) -> None:
        super().__init__(kind)
        self.kind, self.limit_cents, self.total_cents = kind, limit_cents, total_cents


class DateInvalid(DomainError):
    """The execution date is not possible. `reason`: past, not_a_bank_day, cut_off or too_far."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AccountInvalid(DomainError):
    """This bank account cannot pay."""


class GAccountPaysTaxOnly(AccountInvalid):
    """A G-account pays wage tax and VAT, never salaries."""


class UnsupportedByBank(DomainError):
    """The bank does not support this order.

    `reason`: too_many_lines, no_tax_reference or no_reference; `most`: the highest number of lines it accepts.
    """

    def __init__(self, reason: str, most: int) -> None:
        super().__init__(reason)
        self.reason, self.most = reason, most


class WrongAuthenticationMethod(DomainError):
    """This account's way of signing requires another authentication method."""
