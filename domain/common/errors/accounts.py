"""Accounts: signing in, mail links, devices, passkeys, pins, push subscriptions."""

from domain.common.errors.base import DomainError


class SignInRefused(DomainError):
    """Wrong e-mail address or password; does not say which."""


class EmailNotConfirmed(DomainError):
    """The address is not confirmed yet; a new confirmation mail has been sent."""


class LinkExpired(DomainError):
    """The link from the mail is used, expired or unknown."""


class WeakPassword(DomainError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RateLimited(DomainError):
    """Too many attempts. `seconds`: until the next attempt is allowed."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} s")
        self.seconds = seconds


class DeviceUnconfirmed(DomainError):
    """The user has not confirmed this device yet."""


class PasskeyRefused(DomainError):
    """The passkey was not accepted; does not say why."""


class PasskeyKnown(DomainError):
    """This passkey is already registered."""


class PinIsBirthDate(DomainError):
    """The pin is the user's birth date."""


class PinNotSixDigits(DomainError):
    pass


class PinTooCommon(DomainError):
    """The pin is one of the easily guessed ones."""


class PinWrong(DomainError):
    """Wrong pin. `tries_left`: attempts before it locks."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class PinLocked(DomainError):
    """The pin is locked after too many wrong attempts."""


class PinMissing(DomainError):
    """The user has not set a pin."""


class PinAlreadySet(DomainError):
    """A pin can be replaced only after a new identification."""


class InvalidSubscription(DomainError):
    """The browser's push subscription is malformed or its service is not allowed."""
