"""Tables and their constraints. The database rejects inconsistent data; the domain decides what is allowed."""

from models.audit import AuditEvent, OutgoingMail, PushNotification, TokenRevocation
from models.banking import BankAccount, BankConsent, BankOauthGrant, ConsentUsage
from models.base import database, insert_rows, update_rows
from models.client_lock import ClientNotLocked, NestedTransaction, lock_clients, require_client_lock, transaction
from models.dialect import (
    connect,
    disconnect,
    drop_idle_connections,
    is_unavailable,
    read_snapshot,
    release_connection,
)
from models.doubts import LineDoubt
from models.evidence import COMMITTED, STANDINGS, Evidence, OrderLine
from models.excess import ExcessAllowance
from models.holds import LostOrder, PaymentHold
from models.name_checks import EarlyNameCheck, NameCheckTask
from models.operators import Operator
from models.payees import PayeeAnswer
from models.payments import (
    AcceptedCreditorName,
    Approval,
    BankCall,
    BankOrder,
    Batch,
    BatchLine,
    NameConfirmation,
    OrderDownload,
    Release,
    ScaSession,
    WarningAcknowledgement,
)
from models.payroll import (
    Due,
    HeldLine,
    NmbrsCall,
    NmbrsConnection,
    NmbrsDebtor,
    NmbrsOauthRequest,
    NmbrsPermissionCheck,
    PayrollCompany,
    PayrollRun,
    WebhookDelivery,
)
from models.people import (
    ApprovalThresholdChange,
    Authority,
    Client,
    Device,
    DistinctPersons,
    EmailChange,
    EmailToken,
    Identification,
    IdentificationAttempt,
    Invitation,
    LoginSession,
    Membership,
    Passkey,
    Pin,
    PinAttempts,
    PushSubscription,
    RateLimitBucket,
    User,
    WebauthnChallenge,
    WebhookKey,
)
from models.proof import watch_all
from models.reconciliation import BankTransaction
from models.row_register import RowRegister, RowStatement, savepoint
from models.schema import DatabaseTooOld, migrate
from models.verdicts import LineVerdict

TABLES = (
    User, Pin, Device, PushSubscription, PinAttempts, Passkey, WebauthnChallenge, RateLimitBucket, LoginSession,
    EmailToken, EmailChange, Client, Membership, WebhookKey, IdentificationAttempt, Identification, DistinctPersons,
    Authority, Invitation, ApprovalThresholdChange, BankConsent, BankAccount, ConsentUsage, BankTransaction,
    BankOauthGrant, NmbrsConnection, NmbrsPermissionCheck, NmbrsDebtor, NmbrsOauthRequest, PayrollCompany,
    WebhookDelivery, PayrollRun, Due, HeldLine, NmbrsCall, Batch, BatchLine, AcceptedCreditorName,
    WarningAcknowledgement, PayeeAnswer, LineVerdict, LineDoubt, EarlyNameCheck, NameCheckTask, Approval, Release,
    BankOrder, OrderLine, ExcessAllowance, Evidence, ScaSession, OrderDownload, NameConfirmation, BankCall, AuditEvent,
    OutgoingMail, PushNotification, TokenRevocation, Operator, PaymentHold, LostOrder, RowStatement, RowRegister,
)  # fmt: skip
# What is stated in the register of rows, of each table that is in it.
WATCHED = watch_all(TABLES)

__all__ = [
    "COMMITTED",
    "STANDINGS",
    "TABLES",
    "WATCHED",
    "AcceptedCreditorName",
    "Approval",
    "ApprovalThresholdChange",
    "AuditEvent",
    "Authority",
    "BankAccount",
    "BankCall",
    "BankConsent",
    "BankOauthGrant",
    "BankOrder",
    "BankTransaction",
    "Batch",
    "BatchLine",
    "Client",
    "ClientNotLocked",
    "ConsentUsage",
    "DatabaseTooOld",
    "Device",
    "DistinctPersons",
    "Due",
    "EarlyNameCheck",
    "EmailChange",
    "EmailToken",
    "Evidence",
    "ExcessAllowance",
    "HeldLine",
    "Identification",
    "IdentificationAttempt",
    "Invitation",
    "LineDoubt",
    "LineVerdict",
    "LoginSession",
    "LostOrder",
    "Membership",
    "NameCheckTask",
    "NameConfirmation",
    "NestedTransaction",
    "NmbrsCall",
    "NmbrsConnection",
    "NmbrsDebtor",
    "NmbrsOauthRequest",
    "NmbrsPermissionCheck",
    "Operator",
    "OrderDownload",
    "OrderLine",
    "OutgoingMail",
    "Passkey",
    "PayeeAnswer",
    "PaymentHold",
    "PayrollCompany",
    "PayrollRun",
    "Pin",
    "PinAttempts",
    "PushNotification",
    "PushSubscription",
    "RateLimitBucket",
    "Release",
    "RowRegister",
    "RowStatement",
    "ScaSession",
    "TokenRevocation",
    "User",
    "WarningAcknowledgement",
    "WebauthnChallenge",
    "WebhookDelivery",
    "WebhookKey",
    "connect",
    "database",
    "disconnect",
    "drop_idle_connections",
    "insert_rows",
    "is_unavailable",
    "lock_clients",
    "migrate",
    "read_snapshot",
    "release_connection",
    "require_client_lock",
    "savepoint",
    "transaction",
    "update_rows",
]  # fmt: skip
