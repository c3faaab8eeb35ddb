"""Release: one person's act of approving exactly what was shown. Then the batch may be sent, once."""

from dataclasses import dataclass
from datetime import date

from peewee import IntegrityError

from connectors.bank.port import Psu
from domain.accounts import passkeys, pins
from domain.banking.linking import line_of
from domain.common import audit
from domain.common.errors import (
    BatchChanged,
    IdentifyAfterReset,
    NothingToPay,
    NotOpen,
    NotYourRole,
    RunMissing,
    WrongProof,
)
from domain.identity import identification
from domain.payments import digest, four_eyes, state_machine, warnings
from domain.payments.bank_capabilities import require_fit
from domain.payments.execution_dates import require_possible
from domain.payments.limits import require_within
from domain.payments.queries import execution_date, find, hold
from domain.payments.totals import lines_of
from models import Approval, BankAccount, Batch, BatchLine, Device, Membership, Release, User, transaction

MAY_RELEASE = frozenset({"owner", "approver"})


@dataclass(frozen=True)
class SignedWith:
    """A passkey's answer, and what binds its challenge to the session that asked."""

    answer: str
    binding: str


def release(
    membership: Membership, reference: str, shown: str, proof: str, psu: Psu, pin: str | None = None,
    device: Device | None = None, passkey: SignedWith | None = None,
) -> Release | Approval:  # fmt: skip
    """Approve the payment whose digest was shown. An Approval when a second person has to approve it too.

    The session proves it where the bank signs; under delegated signing the pin (on a confirmed device) or a
    passkey does, and is the signature. NotYourRole, NotOpen, BatchChanged, NothingToPay, DateInvalid,
    LimitExceeded, RunMissing, CautionsUnopened, OrderUnfit, WrongProof, PinWrong, PinLocked,
    DeviceUnconfirmed, PasskeyRefused, IdentifyAfterReset, NotIdentified, AuthorityRefused,
    RegisterUnavailable, ChangedByYou, SamePerson. Nothing is kept when one is raised, but a wrong pin is
    counted, a passkey's challenge is used and the register's answer is kept.
    """
    if membership.role not in MAY_RELEASE:
        raise NotYourRole
    client, user = membership.client, membership.user
    batch = find(client, reference)
    identification.require_authority(client, user)
    require_identified_since_reset(user)
    _require_proof(line_of(batch.bank_account.bank).signing, proof)
    if proof != "session":
        _require_releasable(batch, shown)
    if proof == "pin":
        pins.check(user, pin or "", device)
    elif proof == "passkey":
        given = passkey or SignedWith("", "")
        passkeys.check_release(user, given.binding, given.answer, shown)
    try:
        with transaction(client.id):
            _require_still_may(membership)
            return _release(hold(client, reference), user, shown, proof, psu)
    except IntegrityError as error:  # the same digest was released at this very moment
        raise NotOpen("approved") from error


def _require_still_may(membership: Membership) -> None:
    """A role that was taken away a moment ago gives nothing; it stays as it is until the transaction ends."""
    still = (Membership.id == membership.id) & Membership.role.in_(sorted(MAY_RELEASE))
    if not Membership.select().where(still).exists():
        raise NotYourRole


def require_identified_since_reset(user: User) -> None:
    """IdentifyAfterReset when the password came by mail and nobody proved since who they are (ASVS 6.4.4)."""
    reset_at = User.get_by_id(user.id).reset_at
    if reset_at is not None and not pins.identified_since(user, reset_at):
        raise IdentifyAfterReset


def _require_proof(signing: str, proof: str) -> None:
    if (signing == "delegated") != (proof != "session"):
        raise WrongProof


def _require_releasable(batch: Batch, shown: str) -> tuple[date, list[BatchLine]]:
    if batch.state != "open":
        raise NotOpen(batch.state)
    if batch.run.missing_since is not None:
        raise RunMissing
    day = execution_date(batch)
    lines = [line for line in lines_of(batch) if line.state == "open"]
    if not lines:
        raise NothingToPay
    if digest.of_batch(batch.bank_account.iban, day, lines) != shown:
        raise BatchChanged
    warnings.require_opened(batch)
    line = line_of(batch.bank_account.bank)
    require_fit(line, len(lines), batch.kind)
    require_possible(day, line.cut_off)
    return day, lines


def _release(batch: Batch, user: User, shown: str, proof: str, psu: Psu) -> Release | Approval:
    day, lines = _require_releasable(batch, shown)
    account, total = BankAccount.get_by_id(batch.bank_account_id), sum(line.amount_cents for line in lines)
    require_within(account, total)
    fixed_day = batch.execution_date is None
    Batch.update(execution_date=day).where(Batch.id == batch.id).execute()
    if four_eyes.applies(batch.client, total):
        first = four_eyes.approve(batch, user, shown, total, proof, psu.ip, fixed_day)
        if first is not None:
            return first
    row = Release.create(
        batch=batch, user=user, digest=shown, debtor_iban=account.iban, execution_date=day, total_cents=total,
        line_count=len(lines), proof=proof, ip=psu.ip,
        batch_booking=batch.client.batch_booking, name_check=batch.client.name_check,
    )  # fmt: skip
    state_machine.move(
        batch, "release", audit.by_user(user), digest=shown, total=total, count=len(lines), day=day.isoformat(),
        proof=proof, release=row.id,
    )  # fmt: skip
    return row
