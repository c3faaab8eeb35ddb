"""Banks: consents and accounts."""

from domain.common.errors.base import DomainError


class BankUnavailable(DomainError):
    """The bank cannot be reached."""


class UnknownBank(DomainError):
    """No such bank in the configuration."""


class ConsentRefused(DomainError):
    """The customer or the bank declined the consent."""


class ConsentPending(DomainError):
    """The consent is not granted yet."""


class ConsentEnded(DomainError):
    """The consent has expired or was revoked: the bank no longer gives account data under it."""


class ConsentQuotaExceeded(DomainError):
    """The consent's daily number of reads without the customer (PSU) present is used up."""


class AccountExists(DomainError):
    """This bank account is already present."""


class IbanInvalid(DomainError):
    """The IBAN is not valid."""


class HolderNameMissing(DomainError):
    """The name of the account holder is missing."""
