"""Every state, role and kind that a column may hold, as a constant. The tables' checks are made of them.

A value is stored as it stands here. Renaming one needs a migration; adding one needs the check of its table widened.
"""

from collections.abc import Iterable
from enum import StrEnum


def one_of(column: str, values: Iterable[str]) -> str:
    """Return the SQL condition that the column holds one of these values."""
    return f"{column} in ({', '.join(repr(str(value)) for value in values)})"


# --- people ---
class Role(StrEnum):
    """What a member may do for a client."""

    OWNER = "owner"  # pays, and sets everything up
    APPROVER = "approver"  # pays
    PREPARER = "preparer"  # views and changes, never pays


class ClientState(StrEnum):
    """Whether a client is in use. `domain/team/client_closing.py` holds the transitions."""

    OPEN = "open"
    CLOSING = "closing"  # nothing is paid; its members are there for a while, and an owner can undo it
    CLOSED = "closed"  # nobody is a member any more


class AuthorityAnswer(StrEnum):
    """Whether a person may sign for a company, by the business register or by an operator."""

    AUTHORISED = "authorised"
    NOT_AUTHORISED = "not_authorised"
    UNDETERMINED = "undetermined"  # an operator decides


class AuthenticationMethod(StrEnum):
    """What authenticated a person who released or approved a payment."""

    SESSION = "session"  # the bank authenticates them afterwards
    PIN = "pin"
    PASSKEY = "passkey"


class ChallengePurpose(StrEnum):
    """What a WebAuthn challenge is for."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    REAUTHENTICATE = "reauthenticate"
    RELEASE = "release"


# --- banks ---
class ConsentStatus(StrEnum):
    """A consent at a bank, as we hold it; `bank_consent_status` holds the bank's own word."""

    STARTED = "started"
    VALID = "valid"
    DECLINED = "declined"
    ENDED = "ended"


class HolderCheck(StrEnum):
    """Whether an account belongs to the client; none: an operator has to decide."""

    MATCHED = "matched"  # the bank's and the register's names agree
    APPROVED = "approved"  # by an operator
    REJECTED = "rejected"  # by an operator


class MatchType(StrEnum):
    """What a bank transaction is to the order that it was matched to."""

    BATCH = "batch"  # the whole order in one booking
    LINE = "line"
    RETURN = "return"  # a line that came back


# --- Nmbrs ---
class NmbrsApi(StrEnum):
    """Which interface of Nmbrs a connection uses."""

    SOAP = "soap"
    REST = "rest"


class ConnectionStatus(StrEnum):
    """Whether the calls of a connection to Nmbrs succeed."""

    ACTIVE = "active"
    FAILING = "failing"


class CheckResult(StrEnum):
    """The result of trying one operation with the rights of a connection."""

    WAITING = "waiting"
    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # cannot be tried yet: there is no run
    ERROR = "error"


class WebhookStatus(StrEnum):
    """Our webhook at a debtor in Nmbrs."""

    OFF = "off"
    INSTALLED = "installed"
    NOT_ALLOWED = "not_allowed"
    FAILED = "failed"


class RunKind(StrEnum):
    """What a run, and the payment of it, pays."""

    SALARY = "salary"
    WAGE_TAX = "wage_tax"


class RunState(StrEnum):
    """What was done with a payroll run."""

    PENDING = "pending"  # to be imported
    RETRYING = "retrying"
    IMPORTED = "imported"
    EMPTY = "empty"  # nothing to pay in it
    INVALID = "invalid"  # its file cannot be paid
    BEFORE_CONNECTION = "before_connection"  # imported only by hand
    UNMAPPED = "unmapped"  # its company has no account yet
    DELETED = "deleted"  # Nmbrs no longer lists it


# --- payments ---
class BatchState(StrEnum):
    """A payment. `domain/payments/state_machine.py` holds the transitions."""

    OPEN = "open"
    APPROVED = "approved"
    SENDING = "sending"
    NAME_CHECK = "name_check"
    AT_BANK = "at_bank"
    SIGNED = "signed"
    EXECUTED = "executed"
    PARTLY_EXECUTED = "partly_executed"
    PENDING_REJECTION = "pending_rejection"
    RETURNED = "returned"
    DISPUTED = "disputed"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"
    REPLACED = "replaced"


class LineState(StrEnum):
    """A line of a payment."""

    OPEN = "open"
    EXCLUDED = "excluded"  # by a person: not paid
    SUPERSEDED = "superseded"  # a newer version of the run holds it, or no longer holds it
    SENT = "sent"
    EXECUTED = "executed"
    REJECTED = "rejected"  # by the bank
    RETURNED = "returned"
    DISPUTED = "disputed"


class OrderState(StrEnum):
    """An order at a bank. A payment has at most one that is not closed."""

    PREPARED = "prepared"  # certainly not at the bank
    SUBMITTED = "submitted"  # no answer yet
    AT_BANK = "at_bank"
    SIGNED = "signed"
    EXECUTED = "executed"
    CLOSED = "closed"  # will not be executed


class ScaPurpose(StrEnum):
    """Whether the order or its cancellation is signed."""

    PAYMENT = "payment"
    CANCELLATION = "cancellation"


# --- holds ---
class HoldCause(StrEnum):
    """Why nothing is submitted to banks for a while."""

    OPERATOR = "operator"
    RESTORE = "restore"  # the database is older than what happened since
