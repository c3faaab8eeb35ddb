"""*Toch betalen*: confirm an order although the bank knows payees by other names.

It lets money go, so it asks what the approval asked: role, authority, the same proof, and as many people as the amount
asks. What one person confirmed waits for a second, who is told by mail and notification.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.bank.port import Psu
from domain.banking.bank_configs import bank_config_for_order
from domain.common import audit
from domain.common.errors import BatchChanged, SamePerson
from domain.identity import signing_authority
from domain.identity.persons import same_person
from domain.orders import payee_verification
from domain.orders.sca import get_active_order
from domain.outbox import mail, push
from domain.payments import four_eyes
from domain.payments.queries import get_batch
from domain.payments.release import Given, require_person, require_proof, require_still_may
from models import BankOrder, Batch, BatchLine, Client, Membership, NameConfirmation, User, transaction
from models.states import BatchState


@dataclass(frozen=True)
class NamesToConfirm:
    """What a person is shown and confirms: its digest, who did so, and who may still be asked (names)."""

    digest: str
    needed: int
    confirmed_by: tuple[str, ...] = ()
    by_me: bool = False
    asked: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Return whether one person has confirmed, and a second is needed."""
        return 0 < len(self.confirmed_by) < self.needed


def names_digest(order: BankOrder, lines: Iterable[BatchLine]) -> str:
    """Return the digest of the order and of each name as we and the bank know it."""
    made = hashlib.sha256(order.msg_id.encode())
    for line in sorted(lines, key=lambda one: one.position):
        row = (line.end_to_end_id, line.creditor_name, line.creditor_iban, line.amount_cents, line.vop_result,
               line.vop_name)  # fmt: skip
        made.update(repr(row).encode())
    return f"names-{made.hexdigest()}"


def confirmations_needed(order: BankOrder) -> int:
    """Return how many different people must confirm: as many as the amount asks now, or asked at the release."""
    client = Client.get_by_id(order.batch.client_id)
    two = four_eyes.is_required(client, order.total_cents) or four_eyes.people_behind(order.release) > 1
    return 2 if two else 1


def names_to_confirm(order: BankOrder, user: User) -> NamesToConfirm:
    """Return how the confirmation of this order stands, for this user."""
    shown, needed = names_digest(order, _differing(order.batch)), confirmations_needed(order)
    if needed == 1:
        return NamesToConfirm(shown, 1)
    given = _counting(order, shown)
    asked = four_eyes.signers(order.batch.client, *(one.user for one in given))
    return NamesToConfirm(
        shown, needed, tuple(one.user.name for one in given), user.id in {one.user_id for one in given},
        tuple(one.name for one in asked),
    )  # fmt: skip


def confirm_names(membership: Membership, reference: str, shown: str, proof: str, psu: Psu, given: Given) -> bool:
    """Confirm the names that were shown (`shown`, their digest). Return False if a second person must do so too.

    `proof` as at the release: "session" where the bank signs, else "pin" or "passkey".

    Raises:
    - InsufficientRole, NotIdentified, ReidentificationRequired, AuthorityRefused, RegisterUnavailable: the person.
    - WrongAuthenticationMethod, PinWrong, PinLocked, DeviceUnconfirmed, PasskeyRefused: the proof.
    - SamePerson: another account of the same person confirmed.
    - NotOpen, BatchChanged: there is nothing to confirm, or the names are others by now.
    - BankUnavailable: the bank did not take the confirmation; the same person may try again.
    """
    client, user = membership.client, membership.user
    require_person(membership)
    batch = get_batch(client, reference)
    if batch.state == BatchState.NAME_CHECK:
        require_proof(user, bank_config_for_order(get_active_order(batch)), proof, shown, given)
    with transaction(client.id):
        require_still_may(membership)
        batch, order = payee_verification.waiting_order(client, reference)
        if names_digest(order, _differing(batch)) != shown:
            raise BatchChanged
        if not _record(batch, order, user, shown, proof, psu.ip):
            return False
    payee_verification.confirm_despite_mismatch(client, user, reference, psu)
    return True


def _differing(batch: Batch) -> list[BatchLine]:
    return list(BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.vop_result.is_null(False)))


def _counting(order: BankOrder, shown: str) -> list[NameConfirmation]:
    """Return the confirmations of these names by people who may still sign, oldest first."""
    query = NameConfirmation.select(NameConfirmation, User).join(User)
    same = query.where(NameConfirmation.order == order.id, NameConfirmation.digest == shown)
    may_sign = signing_authority.authorised_users(order.batch.client)
    return [one for one in same.order_by(NameConfirmation.id) if one.user_id in may_sign]


def _record(batch: Batch, order: BankOrder, user: User, shown: str, proof: str, ip: str) -> bool:
    """Record this person's confirmation, once; return whether it was the last one needed."""
    given, needed = _counting(order, shown), confirmations_needed(order)
    if not any(one.user_id == user.id for one in given):
        if needed > 1 and any(same_person(one.user, user) for one in given):
            raise SamePerson
        row = NameConfirmation.create(
            order=order.id, user=user, digest=shown, authentication_method=proof, ip=ip
        )  # fmt: skip
        audit.record_event(
            batch.client_id, audit.by_user(user), "names.confirmed_by_one", f"batch:{batch.reference}",
            order=order.id, digest=shown, proof=proof, confirmation=row.id,
        )  # fmt: skip
        given = [*given, row]
        if len(given) < needed:
            _ask_next(batch, row)
    return len(given) >= needed


def _ask_next(batch: Batch, row: NameConfirmation) -> None:
    client, path = Client.get_by_id(batch.client_id), f"/betalingen/{batch.reference}"
    others = four_eyes.signers(client, row.user)
    push.enqueue_push(client, "names_asked", f"names:{row.id}", path, others, batch)
    for other in others:
        mail.enqueue_mail(
            other, "names_asked", once=f"names:{row.id}:{other.id}", client=client, path=path, by=row.user.name
        )
