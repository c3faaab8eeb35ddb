"""The connection with Nmbrs and its payroll companies."""

from domain.common.errors.base import DomainError


class NmbrsBadCredentials(DomainError):
    """Nmbrs rejected the e-mail address and token."""


class NmbrsNotAllowed(DomainError):
    """The Nmbrs user lacks a permission. `call`: the operation that was refused."""

    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


class NmbrsNoCompanyVisible(DomainError):
    """The Nmbrs user sees no payroll company."""


class NmbrsDisabled(DomainError):
    """Nmbrs has disabled this account. `text`: its own message."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NmbrsUnavailable(DomainError):
    """Nmbrs cannot be reached."""


class NmbrsRateLimited(DomainError):
    """Nmbrs asks to slow down, or the quota of the plan is used up."""


class AlreadyConnected(DomainError):
    """This Nmbrs account is already connected."""


class DifferentKvkNumber(DomainError):
    """Payroll companies have another KvK number than the client, which the user must confirm. `names` lists them."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"{len(names)} of another KvK number")
        self.names = names


class OAuthStateExpired(DomainError):
    """The OAuth request to Nmbrs is too old, already used, or was started in another session."""


class WrongInterface(DomainError):
    """The connection does not use the API (SOAP or REST) that this step needs."""


class RestIdsMissing(DomainError):
    """Nmbrs returned no REST ids for these payroll companies."""
