"""Errors of the domain, named after what went wrong. The screens turn each into words."""


class DomainError(Exception):
    """An error that is shown to the user."""


class NotFound(DomainError):
    """It does not exist or belongs to another client: one answer for both, so that nothing leaks."""


# --- accounts ---
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


class ReidentificationRequired(DomainError):
    """The password was reset by mail: payments are blocked until the user identifies again."""


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


# --- identity ---
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


class AuthorityRefused(DomainError):
    """The user may not sign for this company. `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AuthorityPending(AuthorityRefused):
    """The signing authority is undetermined: an operator decides."""


class InvitationRefused(DomainError):
    """The invitation is not possible.

    `reason`: not_needed, yourself, member, role, too_many, other_address, unconfirmed or account.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LastOwner(DomainError):
    """A client must keep at least one owner."""


class TooFewApprovers(DomainError):
    """Two approvals are required, and fewer than two members could give one."""


class LastEditorCannotApprove(DomainError):
    """Under dual approval, the member who last edited the payment cannot approve it."""


class SamePerson(DomainError):
    """Both accounts belong to the same person, who counts as one approver."""


class NoPendingRequest(DomainError):
    """The request is already settled or was replaced by a newer one."""


class RegisterUnavailable(DomainError):
    """The business register (KvK) cannot be reached."""


class UnknownCompany(DomainError):
    """The business register does not have this KvK number."""


# --- banks ---
class BankUnavailable(DomainError):
    """The bank cannot be reached."""


class ConsentRefused(DomainError):
    """The customer or the bank declined the consent."""


class ConsentPending(DomainError):
    """The consent is not granted yet."""


class ConsentEnded(DomainError):
    """The consent has expired or was revoked: the bank no longer gives account data under it."""


class ConsentQuotaExceeded(DomainError):
    """The consent's daily number of reads without the customer (PSU) present is used up."""


class UnknownBank(DomainError):
    """No such bank in the configuration."""


class BankFileRefused(DomainError):
    """The uploaded bank file changes nothing.

    `reason`: unreadable, other_order, other_account, nothing_new, hint or one_member.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- Nmbrs ---
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


# --- payments ---
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


class RunMissing(DomainError):
    """Nmbrs no longer lists the payroll run of this payment."""


class MoreThanOwed(DomainError):
    """The payment would pay somebody more than the newest version of the run owes."""


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


class UnsupportedByBank(DomainError):
    """The bank does not support this order.

    `reason`: too_many_lines, no_tax_reference or no_reference; `most`: the highest number of lines it accepts.
    """

    def __init__(self, reason: str, most: int) -> None:
        super().__init__(reason)
        self.reason, self.most = reason, most


class AccountExists(DomainError):
    """This bank account is already present."""


class InvalidSubscription(DomainError):
    """The browser's push subscription is malformed or its service is not allowed."""


class IbanInvalid(DomainError):
    """The IBAN is not valid."""


class HolderNameMissing(DomainError):
    """The name of the account holder is missing."""


class WrongAuthenticationMethod(DomainError):
    """This account's way of signing requires another authentication method."""


class InsufficientRole(DomainError):
    """The member's role does not allow this."""


# --- signing at the bank ---
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


# --- errors of the program, never caused by a user ---
class StateConflict(RuntimeError):
    """The transition is not allowed, or another request changed the state first."""


class OperatorRefused(RuntimeError):
    """On the command line: nobody signed in as an operator. The text says why."""


class OrderMismatch(RuntimeError):
    """The file, the release and the database do not agree."""
