"""Tables with their constraints. The database refuses nonsense; the domain decides what is allowed."""

from models.banking import BankAccess, BankAccount, BankGrant, BankLink, BankTransaction
from models.base import (
    NestedTransaction,
    connect,
    database,
    is_postgres,
    is_sqlite,
    require_transaction,
    transaction,
)
from models.journal import AuditEvent, OutgoingMail
from models.payments import (
    AcceptedName,
    BankExchange,
    BankOrder,
    Batch,
    BatchLine,
    OrderDownload,
    Release,
    WarningOpened,
)
from models.payroll import (
    Delivery,
    NmbrsCheck,
    NmbrsConnection,
    NmbrsConsent,
    NmbrsDebtor,
    NmbrsExchange,
    PayrollCompany,
    Run,
)
from models.people import (
    Authority,
    Client,
    EmailToken,
    Identification,
    IdentityAttempt,
    LoginSession,
    Membership,
    Pin,
    User,
    WebhookKey,
)
from models.schema import migrate, pending_migrations

TABLES = (
    User, Pin, LoginSession, EmailToken, Client, Membership, WebhookKey, IdentityAttempt, Identification, Authority,
    BankLink, BankAccount, BankAccess, BankTransaction, NmbrsConnection, NmbrsCheck, NmbrsDebtor, NmbrsConsent,
    PayrollCompany, Delivery, Run, NmbrsExchange, Batch, BatchLine, AcceptedName, WarningOpened, Release, BankOrder,
    BankExchange, AuditEvent, OutgoingMail, BankGrant, OrderDownload,
)  # fmt: skip

__all__ = [
    "TABLES",
    "AcceptedName",
    "AuditEvent",
    "Authority",
    "BankAccess",
    "BankAccount",
    "BankExchange",
    "BankGrant",
    "BankLink",
    "BankOrder",
    "BankTransaction",
    "Batch",
    "BatchLine",
    "Client",
    "Delivery",
    "EmailToken",
    "Identification",
    "IdentityAttempt",
    "LoginSession",
    "Membership",
    "NestedTransaction",
    "NmbrsCheck",
    "NmbrsConnection",
    "NmbrsConsent",
    "NmbrsDebtor",
    "NmbrsExchange",
    "OrderDownload",
    "OutgoingMail",
    "PayrollCompany",
    "Pin",
    "Release",
    "Run",
    "User",
    "WarningOpened",
    "WebhookKey",
    "connect",
    "database",
    "is_postgres",
    "is_sqlite",
    "migrate",
    "pending_migrations",
    "require_transaction",
    "transaction",
]  # fmt: skip
