"""Release: one person's act of approving exactly what was shown. Then the batch may be sent, once."""

from dataclasses import dataclass
from datetime import date

from peewee import IntegrityError

from connectors.bank.port import Psu
from domain.accounts import passkeys, pins
from domain.banking.linking import bank_config_of
from domain.common import audit
from domain.common.errors import (
    BatchChanged,
    InsufficientRole,
    NothingToPay,
    NotOpen,
    ReidentificationRequired,
    RunMissing,
    WrongAuthenticationMethod,
)
from domain.identity import identification
from domain.payments import commitments, digest, four_eyes, state_machine, warnings
from domain.payments.bank_capabilities import require_supported
from domain.payments.execution_dates import require_valid
from domain.payments.limits import require_within_limits
from domain.payments.queries import execution_date, get_batch, get_batch_locked
from domain.payments.totals import lines_of
from models import Approval, BankAccount, Batch, BatchLine, Device, Membership, Release, User, transaction

MAY_RELEASE = frozenset({"owner", "approver"})


@dataclass(frozen=True)
class PasskeyAssertion:
    """A passkey's answer, and what binds its challenge to the session that asked."""

    answer: str
    binding: str


def release(
    membership: Membership, reference: str, shown: str, proof: str, psu: Psu, pin: str | None = None,
    device: Device | None = None, passkey: PasskeyAssertion | None = None,
) -> Release | Approval:  # fmt: skip
    """Approve the payment whose digest was shown. An Approval when a second person has to approve it too.

    The session proves it where the bank signs; under delegated signing the pin (on a confirmed device) or a
    passkey does, and is the signature. InsufficientRole, NotOpen, BatchChanged, NothingToPay, DateInvalid,
    LimitExceeded, MoreThanOwed, RunMissing, UnacknowledgedWarnings, UnsupportedByBank, WrongAuthenticationMethod,
    PinWrong, PinLocked, DeviceUnconfirmed, PasskeyRefused, ReidentificationRequired, NotIdentified, AuthorityRefused,
    RegisterUnavailable, LastEditorCannotApprove, SamePerson. Nothing is kept when one is raised, but a wrong pin is
    counted, a passkey's challenge is used and the register's answer is kept.
    """
    if membership.role not in MAY_RELEASE:
        raise InsufficientRole
    client, user = membership.client, membership.user
    batch = get_batch(client, reference)
    identification.require_authority(client, user)
    require_identified_since_reset(user)
    _require_proof(bank_config_of(batch.bank_account.bank).signing, proof)
    if proof != "session":
        _require_releasable(batch, shown)
    if proof == "pin":
        pins.check_pin(user, pin or "", device)
    elif proof == "passkey":
        given = passkey or PasskeyAssertion("", "")
        passkeys.verify_release_signature(user, given.binding, given.answer, shown)
    try:
        with transaction(client.id):
            _require_still_may(membership)
            return _release(get_batch_locked(client, reference), user, shown, proof, psu)
    except IntegrityError as error:  # the same digest was released at this very moment
        raise NotOpen("approved") from error


def _require_still_may(membership: Membership) -> None:
    """A role that was taken away a moment ago gives nothing; it stays as it is until the transaction ends."""
    still = (Membership.id == membership.id) & Membership.role.in_(sorted(MAY_RELEASE))
    if not Membership.select().where(still).exists():
        raise InsufficientRole


def require_identified_since_reset(user: User) -> None:
    """ReidentificationRequired when the password came by mail and nobody proved since who they are (ASVS 6.4.4)."""
    reset_at = User.get_by_id(user.id).reset_at
    if reset_at is not None and not pins.identified_since(user, reset_at):
        raise ReidentificationRequired


def _require_proof(signing: str, proof: str) -> None:
    if (signing == "delegated") != (proof != "session"):
        raise WrongAuthenticationMethod


def _require_releasable(batch: Batch, shown: str) -> tuple[date, list[BatchLine]]:
    if batch.state != "open":
        raise NotOpen(batch.state)
    if batch.run.missing_since is not None:
        raise RunMissing
    day = execution_date(batch)
    lines = [config for config in lines_of(batch) if config.state == "open"]
    if not lines:
        raise NothingToPay
    if digest.payment_digest(batch.bank_account.iban, day, lines) != shown:
        raise BatchChanged
    warnings.require_acknowledged(batch)
    config = bank_config_of(batch.bank_account.bank)
    require_supported(config, len(lines), batch.kind)
    require_valid(day, config.cut_off)
    return day, lines


def _release(batch: Batch, user: User, shown: str, proof: str, psu: Psu) -> Release | Approval:
    day, lines = _require_releasable(batch, shown)
    account, total = BankAccount.get_by_id(batch.bank_account_id), sum(line.amount_cents for line in lines)
    commitments.require_owed(batch, lines)
    require_within_limits(account, total)
    fixed_day = batch.execution_date is None
    Batch.update(execution_date=day).where(Batch.id == batch.id).execute()
    if four_eyes.is_required(batch.client, total):
        first = four_eyes.approve(batch, user, shown, total, proof, psu.ip, fixed_day)
        if first is not None:
            return first
    row = Release.create(
        batch=batch, user=user, digest=shown, debtor_iban=account.iban, execution_date=day, total_cents=total,
        line_count=len(lines), proof=proof, ip=psu.ip,
        batch_booking=batch.client.batch_booking, name_check=batch.client.name_check,
    )  # fmt: skip
    state_machine.transition(
        batch, "release", audit.by_user(user), digest=shown, total=total, count=len(lines), day=day.isoformat(),
        proof=proof, release=row.id,
    )  # fmt: skip
    return row
