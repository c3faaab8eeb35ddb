"""What members attest: the outcome of an order as they saw it at the bank, or a bank's file that they uploaded.

It takes what approving takes (role, authority, identification), and a PIN on a confirmed device: the callers check it
with `release.require_person_with_pin`. For an order that a person took to the bank one member suffices, or two
different people under four eyes. For an order at a linked bank that cannot be asked it takes two. The second is told by
mail and notification.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.common.errors import NotIdentified, SamePerson
from domain.identity.identification import is_identified
from domain.identity.persons import same_person
from domain.orders import evidence, settlement
from domain.orders.conclusion import MEMBERS_NEEDED, SAID_PAID, Trust
from domain.orders.evidence import Statement
from domain.outbox import mail, push
from domain.payments import four_eyes, state_machine
from domain.payments.release import require_still_may
from models import BankOrder, Client, Membership, User, require_client_lock
from models import Evidence as EvidenceRow

_VOUCHED = (Trust.PERSON, Trust.MEMBER)


@dataclass(frozen=True)
class WaitingAttestation:
    """What one person attested and a second one must attest too. `document` is None for their word: `paid` or not.

    `asked` are the names of the members who may be the second person.
    """

    by: tuple[str, ...]
    by_me: bool
    document: str | None
    paid: bool = False
    asked: tuple[str, ...] = ()


def people_needed(order: BankOrder) -> int:
    """Return how many different people must attest the same."""
    return settlement.facts_of(order).people if order.is_manual else MEMBERS_NEEDED


def trust_of(order: BankOrder) -> Trust:
    """Return the trust of members' statements about this order."""
    return Trust.PERSON if order.is_manual else Trust.MEMBER


def add(
    membership: Membership, order: BankOrder, source: str, statements: Sequence[Statement],
    document: str | None = None,
) -> int:  # fmt: skip
    """Add what this member attests, in a transaction that holds the client's lock; return how many rows are new.

    Raises:
    - InsufficientRole: the role was taken away a moment ago.
    - NotIdentified, SamePerson: two people are needed, and these are not known to be two.
    """
    require_client_lock(membership.client_id)
    require_still_may(membership)
    if people_needed(order) > 1:
        _require_other_person(membership.user, order)
    said_by = _key(membership.user_id)
    new = evidence.add_evidence(order, source, trust_of(order), statements, said_by, document)
    if new and people_needed(order) > 1:
        _ask_second(membership, order, document, {one.code for one in statements})
    return new


def _ask_second(membership: Membership, order: BankOrder, document: str | None, codes: set[str]) -> None:
    """Tell those who may be the second person, once, by mail and notification; unless this was the second."""
    same = EvidenceRow.document_sha256 == document if document else EvidenceRow.code.in_(sorted(codes))
    said = EvidenceRow.select(EvidenceRow.said_by).where(
        EvidenceRow.order == order.id, EvidenceRow.trust.in_(_VOUCHED), same
    )  # fmt: skip
    if len({row.said_by for row in said}) > 1:
        return
    client, batch, user = membership.client, order.batch, membership.user
    path, once = f"/betalingen/{batch.reference}", f"attest:{order.id}:{document or '+'.join(sorted(codes))}:{user.id}"
    others = four_eyes.signers(client, user)
    push.enqueue_push(client, "attest_asked", once, path, others, batch)
    for other in others:
        mail.enqueue_mail(
            other, "attest_asked", once=f"{once}:{other.id}", client=client, path=path, by=user.name,
            is_file=document is not None,
        )  # fmt: skip


def has_two_people(client_id: int) -> bool:
    """Return whether this client has two different people who could attest the same."""
    return len(four_eyes.signers(Client.get_by_id(client_id))) > 1


def _key(user_id: int) -> str:
    return f"user:{user_id}"


def _require_other_person(user: User, order: BankOrder) -> None:
    if not is_identified(user):
        raise NotIdentified
    if any(other.id != user.id and same_person(other, user) for other in _people(order).values()):
        raise SamePerson


def _people(order: BankOrder) -> dict[str, User]:
    """Return who attested anything about this order."""
    rows = EvidenceRow.select(EvidenceRow.said_by).where(
        EvidenceRow.order == order.id, EvidenceRow.trust.in_(_VOUCHED), EvidenceRow.said_by.is_null(False)
    )
    keys = {row.said_by for row in rows.distinct()}
    ids = [int(key.removeprefix("user:")) for key in keys if key]
    return {_key(user.id): user for user in User.select().where(User.id.in_(ids))}


# --- what waits for a second person ---------------------------------------------------------------
def may_wait(order: BankOrder) -> bool:
    """Return whether anybody could have attested anything: not while a linked bank answers. Reads nothing."""
    return order.is_manual or order.bank_payment_id is None or order.attempts > 0


def waiting_attestations(order: BankOrder, state: str, user: User) -> list[WaitingAttestation]:
    """Return what one person attested and a second one must attest too. `state`: that of the payment."""
    if state not in state_machine.AT_THE_BANK:
        return []
    rows = EvidenceRow.select(
        EvidenceRow.document_sha256, EvidenceRow.code, EvidenceRow.said_by, EvidenceRow.trust
    ).where(EvidenceRow.order == order.id, EvidenceRow.trust.in_(_VOUCHED)).order_by(EvidenceRow.id)  # fmt: skip
    said: dict[tuple[str | None, str], list[str]] = {}
    for row in rows:
        by = said.setdefault((row.document_sha256, "" if row.document_sha256 else row.code), [])
        if row.said_by and row.said_by not in by:
            by.append(row.said_by)
    if not said or (needed := people_needed(order)) < 2:
        return []
    people, members = _people(order), four_eyes.signers(order.batch.client)
    found = []
    for (document, code), by in said.items():
        if len(by) < needed:
            who = [people[one] for one in by if one in people]
            asked = tuple(one.name for one in members if not any(same_person(one, two) for two in who))
            names = tuple(one.name for one in who)
            found.append(WaitingAttestation(names, _key(user.id) in by, document, code == SAID_PAID, asked))
    return found
