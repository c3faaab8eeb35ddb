"""Identification, the business register (KvK) and signing authority."""

from domain.common.errors.base import DomainError


class IdentificationCancelled(DomainError):
    """The user cancelled at the identity broker."""


class IdentificationExpired(DomainError):
    """The identification attempt is unknown, used or too old."""


class IdentificationRefused(DomainError):
    """The broker's answer is not accepted. `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IdentityProviderDown(DomainError):
    """The identity broker cannot be reached."""


class SessionMismatch(DomainError):
    """The answer arrived in another session than the one that started the request."""


class IdentityCodeWrong(DomainError):
    """Wrong code from the other browser. `tries_left`: attempts that remain."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class NotIdentified(DomainError):
    """The user has not identified yet."""


class IdentificationInUse(DomainError):
    """Something rests on the identification, so it cannot be withdrawn."""


class ReidentificationRequired(DomainError):
    """The password was reset by mail: payments are blocked until the user identifies again."""


class AuthorityRefused(DomainError):
    """The user may not sign for this company. `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AuthorityPending(AuthorityRefused):
    """The signing authority is undetermined: an operator decides."""


class RegisterUnavailable(DomainError):
    """The business register (KvK) cannot be reached."""


class UnknownCompany(DomainError):
    """The business register does not have this KvK number."""
