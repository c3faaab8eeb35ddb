"""An order at the bank: signing, cancellation, files of the bank."""

from domain.common.errors.base import DomainError


class InvalidScaCode(DomainError):
    """The bank rejected the SCA code.

    `text` is the bank's message for the user; it is kept out of str(), and so out of the log.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__("code_wrong")
        self.text = text[:200]


class ScaInProgress(DomainError):
    """Another request is already in contact with the bank about this order."""


class SigningFailed(DomainError):
    """The bank ended the SCA: too many wrong codes, too late, or refused."""


class SigningRefused(DomainError):
    """The bank does not allow SCA for this order at this moment."""


class ScaOutcomeUnknown(DomainError):
    """The request was sent but no answer came: the bank may have the signature."""


class CancellationRefused(DomainError):
    """The bank does not cancel this order. `code`: its own error code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CancellationOutcomeUnknown(DomainError):
    """The request was sent but no answer came: the bank may have cancelled the order."""


class BankFileRefused(DomainError):
    """The uploaded bank file changes nothing.

    `reason`: unreadable, other_order, other_account, nothing_new, hint or one_member.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
