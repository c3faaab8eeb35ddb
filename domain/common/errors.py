"""What can go wrong, named after what went wrong. The screen turns each into words."""


class DomainError(Exception):
    """Something that a person can be told about."""


class NotFound(DomainError):
    """It is not there, or not yours: the same answer for both."""


# --- accounts ---
class SignInRefused(DomainError):
    """E-mail and password do not belong together; never says which."""


class EmailNotConfirmed(DomainError):
    """A new confirmation mail is on its way."""


class LinkExpired(DomainError):
    """The link in the mail is used, too old or not ours."""


class WeakPassword(DomainError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RateLimited(DomainError):
    """Seconds until the next try may be made."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"{seconds} s")
        self.seconds = seconds


class DeviceUnconfirmed(DomainError):
    """Nobody has said yet that this device is theirs."""


class ReidentificationRequired(DomainError):
    """The password was set by a mail: nothing is paid until a newer identification."""


class PasskeyRefused(DomainError):
    """Never says what was wrong with it."""


class PasskeyKnown(DomainError):
    pass


class PinIsBirthDate(DomainError):
    pass


class PinNotSixDigits(DomainError):
    pass


class PinTooCommon(DomainError):
    pass


class PinWrong(DomainError):
    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class PinLocked(DomainError):
    pass


class PinMissing(DomainError):
    pass


class PinAlreadySet(DomainError):
    """A pin is renewed only after a new identification."""


# --- who you are ---
class IdentificationCancelled(DomainError):
    pass


class IdentificationExpired(DomainError):
    pass


class IdentificationRefused(DomainError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IdentityProviderDown(DomainError):
    pass


class SessionMismatch(DomainError):
    """The answer came back in another session than the one that began."""


class IdentityCodeWrong(DomainError):
    """The code of the other browser is another one."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class NotIdentified(DomainError):
    pass


class AuthorityRefused(DomainError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AuthorityPending(AuthorityRefused):
    """Nobody has established it yet: a person decides."""


class InvitationRefused(DomainError):
    """not_needed, yourself, member, role, too_many, other_address, unconfirmed or account."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LastOwner(DomainError):
    """A client always has an owner."""


class TooFewApprovers(DomainError):
    """Two have to approve, and there would not be two who may."""


class LastEditorCannotApprove(DomainError):
    """Nobody approves what they changed last, where two approve."""


class SamePerson(DomainError):
    """Two accounts of one person are one person."""


class NoPendingRequest(DomainError):
    """What was to be agreed to has been settled, or was asked anew."""


class RegisterUnavailable(DomainError):
    pass


class UnknownCompany(DomainError):
    pass


# --- banks ---
class BankUnavailable(DomainError):
    pass


class ConsentRefused(DomainError):
    pass


class ConsentPending(DomainError):
    pass


class ConsentEnded(DomainError):
    """The bank no longer lets us look under this consent."""


class ConsentQuotaExceeded(DomainError):
    """The calls that the bank allows today without the customer are used up."""


class UnknownBank(DomainError):
    pass


class BankFileRefused(DomainError):
    """A file of the bank that changes nothing: unreadable, other_order, other_account, differs or nothing_new."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- Nmbrs ---
class NmbrsBadCredentials(DomainError):
    pass


class NmbrsNotAllowed(DomainError):
    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


class NmbrsNoCompanyVisible(DomainError):
    pass


class NmbrsDisabled(DomainError):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NmbrsUnavailable(DomainError):
    pass


class NmbrsRateLimited(DomainError):
    """Nmbrs asks for patience, or its plan is used up."""


class AlreadyConnected(DomainError):
    pass


class DifferentKvkNumber(DomainError):
    """Administraties of another KvK number than the client's: to be confirmed. Numbers and names of them."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"{len(names)} of another KvK number")
        self.names = names


class OAuthStateExpired(DomainError):
    """The way to Nmbrs and back took too long, was walked before, or by somebody else."""


class WrongInterface(DomainError):
    """The connection speaks another interface than this needs, or does so already."""


class RestIdsMissing(DomainError):
    """Nmbrs does not say what the later interface calls these administraties."""


# --- payments ---
class BatchChanged(DomainError):
    """What was shown is not what stands there now."""


class NotOpen(DomainError):
    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class UnacknowledgedWarnings(DomainError):
    """Something about this payment has to be read first."""


class RunMissing(DomainError):
    """Nmbrs no longer lists the run behind it."""


class NothingToPay(DomainError):
    pass


class LimitExceeded(DomainError):
    """Amounts are cents; kind is "payment" or "day"."""

    def __init__(self, kind: str, limit_cents: int, total_cents: int) -> None:
        super().__init__(kind)
        self.kind, self.limit_cents, self.total_cents = kind, limit_cents, total_cents


class DateInvalid(DomainError):
    """Reason: past, not_a_bank_day, cut_off or too_far."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AccountInvalid(DomainError):
    pass


class UnsupportedByBank(DomainError):
    """The bank takes no such order. Reason: too_many_lines or no_tax_reference; `most` lines are possible."""

    def __init__(self, reason: str, most: int) -> None:
        super().__init__(reason)
        self.reason, self.most = reason, most


class AccountExists(DomainError):
    """This account is there already."""


class InvalidSubscription(DomainError):
    """What a browser gave is no subscription, or leads where we do not send."""


class IbanInvalid(DomainError):
    pass


class HolderNameMissing(DomainError):
    pass


class WrongAuthenticationMethod(DomainError):
    """This bank's way of signing asks for another proof."""


class InsufficientRole(DomainError):
    pass


# --- signing at the bank ---
class InvalidScaCode(DomainError):
    """The bank does not take the code. Its words are for the person alone: they are not in str()."""

    def __init__(self, text: str = "") -> None:
        super().__init__("code_wrong")
        self.text = text[:200]


class ScaInProgress(DomainError):
    """Another window is speaking to the bank about this order."""


class SigningFailed(DomainError):
    """The bank has ended this signing: too often wrong, too late, or refused."""


class SigningRefused(DomainError):
    """The bank does not let this be signed, now."""


class ScaOutcomeUnknown(DomainError):
    """Sent, and no answer: the bank may have the signature."""


class CancellationRefused(DomainError):
    """The bank does not take this order back. Its own code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CancellationOutcomeUnknown(DomainError):
    """Asked, and no answer: the bank may have taken the order back."""


# --- faults of ours: never a person's doing ---
class StateConflict(RuntimeError):
    """The change is not in the table, or another made one first."""


class OrderMismatch(RuntimeError):
    """The bytes, the release and the database do not say the same."""
