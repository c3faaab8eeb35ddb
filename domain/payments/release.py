"""Release: a person approves exactly what was shown. After it the payment may be submitted, once."""

from dataclasses import dataclass
from datetime import date

from peewee import IntegrityError

from connectors.bank.port import BankConfig, Psu
from domain.accounts import passkeys, pins
from domain.banking.bank_accounts import require_may_pay
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.common.errors import (
    InsufficientRole,
    NothingToPay,
    NotOpen,
    ReidentificationRequired,
    RunMissing,
    WrongAuthenticationMethod,
)
from domain.identity import identification
from domain.payments import (
    commitments,
    digest,
    four_eyes,
    line_doubts,
    payee_checks,
    shown_changes,
    state_machine,
    warnings,
)
from domain.payments.bank_capabilities import require_supported
from domain.payments.execution_dates import require_valid
from domain.payments.limits import require_within_limits
from domain.payments.proposed_dates import execution_date
from domain.payments.queries import get_batch, get_batch_locked
from domain.payments.totals import lines_of
from models import Approval, BankAccount, Batch, BatchLine, Client, Device, Membership, Release, User, transaction
from models.states import AuthenticationMethod, BatchState, ClientState, LineState, Role

MAY_RELEASE = frozenset({Role.OWNER, Role.APPROVER})


@dataclass(frozen=True)
class PasskeyAssertion:
    """A passkey's answer to a challenge. `binding` ties the challenge to the session that asked for it."""

    answer: str
    binding: str


@dataclass(frozen=True)
class Given:
    """What a person gave as proof: the PIN on a device, or a passkey's answer; neither where the bank signs."""

    pin: str | None = None
    device: Device | None = None
    passkey: PasskeyAssertion | None = None


def release(
    membership: Membership, reference: str, shown: str, proof: str, psu: Psu, pin: str | None = None,
    device: Device | None = None, passkey: PasskeyAssertion | None = None,
) -> Release | Approval:  # fmt: skip
    """Release the payment whose digest was shown. Return an Approval if a second person must approve it too.

    `proof`: "session" where the bank signs. Under delegated signing "pin" (on a confirmed device) or "passkey", which
    then is the signature.

    An error changes nothing, except that a wrong PIN is counted, a passkey's challenge is used up, and the register's
    answer is kept.

    Raises:
    - InsufficientRole, NotIdentified, ReidentificationRequired, AuthorityRefused, RegisterUnavailable: the person.
    - WrongAuthenticationMethod, PinWrong, PinLocked, DeviceUnconfirmed, PasskeyRefused: the proof.
    - LastEditorCannotApprove, SamePerson: four eyes.
    - NotOpen, BatchChanged, WishesChanged, NothingToPay, RunMissing, UnacknowledgedWarnings, UnansweredPayees,
      AnsweredByApprover, DoubtStands, MoreThanOwed: the payment.
    - GAccountPaysTaxOnly, DateInvalid, LimitExceeded, UnsupportedByBank: what account and bank allow.
    """
    client, user = membership.client, membership.user
    batch = get_batch(client, reference)
    require_person(membership)
    config = bank_config_of(batch.bank_account.bank)
    require_method(config, proof)
    if proof != AuthenticationMethod.SESSION:
        _require_releasable(batch, user, shown)
    require_proof(user, config, proof, shown, Given(pin, device, passkey))
    try:
        with transaction(client.id):
            require_still_may(membership)
            return _release(get_batch_locked(client, reference), user, shown, proof, psu)
    except IntegrityError as error:  # another request released the same digest
        raise NotOpen(BatchState.APPROVED) from error


def require_still_may(membership: Membership) -> None:
    """Check the role again, inside the transaction: it may have been taken away, or the client closed, a moment ago.

    Raises:
    - InsufficientRole
    """
    still = (Membership.id == membership.id) & Membership.role.in_(sorted(MAY_RELEASE))
    if not Membership.select().join(Client).where(still, Client.state == ClientState.OPEN).exists():
        raise InsufficientRole


def require_identified_since_reset(user: User) -> None:
    """Check that a user whose password was reset by mail has identified since then (ASVS 6.4.4).

    Raises:
    - ReidentificationRequired
    """
    password_reset_at = User.get_by_id(user.id).password_reset_at
    if password_reset_at is not None and not pins.identified_since(user, password_reset_at):
        raise ReidentificationRequired


def require_person(membership: Membership) -> None:
    """Check that this member may let money go: by role, by the register, and identified since the last reset.

    Raises:
    - InsufficientRole, ReidentificationRequired
    - NotIdentified, AuthorityPending, AuthorityRefused, RegisterUnavailable, UnknownCompany
    """
    if membership.role not in MAY_RELEASE:
        raise InsufficientRole
    identification.require_authority(membership.client, membership.user)
    require_identified_since_reset(membership.user)


def require_person_with_pin(membership: Membership, pin: str, device: Device | None) -> None:
    """Check what letting money go takes without a bank's signature: `require_person`, and the PIN on this confirmed
    device. Outside a transaction, because attempts are counted.

    Raises:
    - InsufficientRole, ReidentificationRequired
    - NotIdentified, AuthorityPending, AuthorityRefused, RegisterUnavailable, UnknownCompany
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed
    """
    require_person(membership)
    pins.check_pin(membership.user, pin, device)


def require_method(config: BankConfig, proof: str) -> None:
    """Check that this is the proof that the bank's way of signing asks: ours where it counts as the signature.

    Raises:
    - WrongAuthenticationMethod
    """
    if (config.signing == "delegated") != (proof != AuthenticationMethod.SESSION):
        raise WrongAuthenticationMethod


def require_proof(user: User, config: BankConfig, proof: str, shown: str, given: Given) -> None:
    """Check what the person gave: the PIN, or a passkey's signature of what was shown (`shown`).

    Raises:
    - WrongAuthenticationMethod
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed, PasskeyRefused
    """
    require_method(config, proof)
    if proof == AuthenticationMethod.PIN:
        pins.check_pin(user, given.pin or "", given.device)
    elif proof == AuthenticationMethod.PASSKEY:
        signed = given.passkey or PasskeyAssertion("", "")
        passkeys.verify_release_signature(user, signed.binding, signed.answer, shown)


def _require_releasable(batch: Batch, user: User, shown: str) -> tuple[date, list[BatchLine]]:
    if batch.state != BatchState.OPEN:
        raise NotOpen(batch.state)
    if batch.run.unlisted_since is not None:
        raise RunMissing
    day = execution_date(batch)
    lines = [line for line in lines_of(batch) if line.state == LineState.OPEN]
    if not lines:
        raise NothingToPay
    wishes = digest.wishes_of(batch.client)
    answers = payee_checks.answer_marks(batch.id)
    digest.require_same(shown, digest.payment_digest(batch.bank_account.iban, day, lines, batch.kind, wishes, answers))
    warnings.require_acknowledged(batch)
    payee_checks.require_answered(batch, user)
    line_doubts.require_settled(batch)
    require_may_pay(batch.bank_account.iban, batch.kind)
    config = bank_config_of(batch.bank_account.bank)
    require_supported(config, lines, batch.kind)
    require_valid(day, config.cut_off)
    return day, lines


def _release(batch: Batch, user: User, shown: str, proof: str, psu: Psu) -> Release | Approval:
    day, lines = _require_releasable(batch, user, shown)
    account, total = BankAccount.get_by_id(batch.bank_account_id), sum(line.amount_cents for line in lines)
    commitments.require_owed(batch, lines)
    require_within_limits(account, total)
    date_was_automatic, changes = batch.execution_date is None, shown_changes.kept(shown_changes.changes_now(batch))
    Batch.update(execution_date=day).where(Batch.id == batch.id).execute()
    if four_eyes.is_required(batch.client, total):
        shown = four_eyes.digest_in_force(batch, shown, digest.first_digest(account.iban, day, lines))
        first = four_eyes.approve(batch, user, shown, total, proof, psu.ip, date_was_automatic, changes)
        if first is not None:
            return first
    else:
        four_eyes.void_unneeded_approvals(batch)
    row = Release.create(
        batch=batch, user=user, digest=shown, debtor_iban=account.iban, execution_date=day, total_cents=total,
        line_count=len(lines), authentication_method=proof, ip=psu.ip,
        batch_booking=batch.client.batch_booking, vop_enabled=batch.client.vop_enabled, changes=changes,
    )  # fmt: skip
    state_machine.transition(
        batch, "release", audit.by_user(user), digest=shown, total=total, count=len(lines), day=day.isoformat(),
        proof=proof, release=row.id, batch_booking=row.batch_booking, name_check=row.vop_enabled,
        **shown_changes.for_log(changes),
    )  # fmt: skip
    return row
