"""Ask about a mistake in the payroll run, answer, or go on without an answer.

Nothing here lets money go: a payment that is held no longer is approved like any other.
"""

from collections.abc import Sequence

from core.hidden_characters import has_hidden
from domain.common.errors import BatchChanged, DoubtStands, InsufficientRole, WordsRefused
from domain.outbox import mail, push
from domain.payments import line_doubts
from domain.payments.amendments import exclude_line_held, include_line_held, reopened_for_change
from models import Batch, BatchLine, Client, LineDoubt, Membership, User, require_client_lock, transaction
from models.doubts import ASKED, MOST_WORDS, OVERRULED, RERUN, RIGHT
from models.states import LineState, Role

ANSWERS = (RIGHT, RERUN)
_MAY_GO_ON = (Role.OWNER, Role.APPROVER)


def ask_doubt(membership: Membership, reference: str, line_id: int, words: str) -> None:
    """Leave the line out and ask, in a few words, whether the run has a mistake. The payment waits for the answer.

    The same question, sent twice, is asked once.

    Raises:
    - WordsRefused: none, too many, or with characters that nobody sees.
    - DoubtStands: another question about this line is not settled.
    - NotOpen
    - NotFound
    """
    client, user = membership.client, membership.user
    said = _checked(words, needed=True)
    with transaction(client.id):
        batch = reopened_for_change(client, user, reference)
        if asked := line_doubts.standing_doubt(batch.id, line_id):
            if (asked.asked_by, asked.words) != (user, said):
                raise DoubtStands
            return
        exclude_line_held(batch, user, line_id)
        row = line_doubts.record_step(batch, user, line_id, ASKED, said)
        _tell(client, batch, row, "doubt_asked", answerers(members_to_ask(client), user))


def answer_doubt(membership: Membership, reference: str, line_id: int, answer: str, words: str) -> None:
    """Answer a question: RIGHT puts the line back, RERUN keeps the payment waiting for the new run, and is said once.

    Raises:
    - WordsRefused
    - NotOpen
    - BatchChanged: the question is settled, or the answer is none.
    """
    client, user = membership.client, membership.user
    said = _checked(words)
    with transaction(client.id):
        batch, question = _standing(membership, reference, line_id)
        if answer not in ANSWERS:
            raise BatchChanged
        if answer == RERUN and question.answered_by is not None:
            return
        row = line_doubts.record_step(batch, user, line_id, answer, said)
        if answer == RIGHT:
            include_line_held(batch, user, line_id)
        _tell(client, batch, row, "doubt_answered", [question.asked_by] if question.asked_by != user else [])


def go_on(membership: Membership, reference: str, line_id: int) -> None:
    """Go on without an answer (*Toch betalen*): the line stays out, to be paid later, and holds nobody else.

    Raises:
    - InsufficientRole: only who may pay goes on.
    - NotOpen
    - BatchChanged: the question is settled.
    """
    with transaction(membership.client_id):
        if Membership.get_by_id(membership.id).role not in _MAY_GO_ON:
            raise InsufficientRole
        batch, _question = _standing(membership, reference, line_id)
        line_doubts.record_step(batch, membership.user, line_id, OVERRULED)


def _standing(membership: Membership, reference: str, line_id: int) -> tuple[Batch, line_doubts.StandingDoubt]:
    batch = reopened_for_change(membership.client, membership.user, reference)
    found = line_doubts.standing_doubt(batch.id, line_id)
    if found is None:
        raise BatchChanged
    return batch, found


def _checked(words: str, needed: bool = False) -> str | None:
    said = " ".join(words.split())
    if len(said) > MOST_WORDS or has_hidden(said) or (needed and not said):
        raise WordsRefused
    return said or None


# --- telling --------------------------------------------------------------------------------------
def members_to_ask(client: Client) -> list[Membership]:
    """Return the owners of this client, and who prepares its payments and sees their lines."""
    roles = (Role.OWNER,) if client.hide_lines_from_preparers else (Role.OWNER, Role.PREPARER)
    query = Membership.select(Membership, User).join(User).where(Membership.client == client.id)
    return list(query.where(Membership.role.in_(roles)).order_by(User.id))


def answerers(members: Sequence[Membership], asked_by: User) -> list[User]:
    """Return who is asked for an answer: who prepares payments, else an owner; never the person who asks."""
    others = [one for one in members if one.user != asked_by]
    preparers = [one.user for one in others if one.role == Role.PREPARER]
    return preparers or [one.user for one in others]


def _tell(client: Client, batch: Batch, row: LineDoubt, what: str, people: list[User]) -> None:
    path = f"/betalingen/{batch.reference}"
    push.enqueue_push(client, what, f"{what}:{row.id}", path, people, batch)
    for user in people:
        mail.enqueue_mail(user, what, once=f"{what}:{row.id}:{user.id}", client=client, path=path)


# --- runs that are run again ----------------------------------------------------------------------
def carry_doubts(batch: Batch) -> int:
    """Ask again about lines that the new run has as they were, in the transaction that makes the payment; return how
    many. A line that a new run changed answers its question: it says what it was (`line_doubts.doubted_cents`).
    """
    require_client_lock(batch.client_id)
    before = line_doubts.unsettled_before(batch)
    if not before:
        return 0
    undecided = BatchLine.state.in_((LineState.OPEN, LineState.EXCLUDED))
    lines = list(BatchLine.select().where(BatchLine.batch == batch.id, undecided).order_by(BatchLine.id))
    again = {line.id: one for one in before if (line := _line_to_ask_about(batch, lines, one))}
    members = members_to_ask(Client.get_by_id(batch.client_id)) if again else []
    for line, question in again.items():
        BatchLine.update(state=LineState.EXCLUDED).where(BatchLine.id == line).execute()
        row = line_doubts.record_step(batch, question.user, line, ASKED, question.words, question)
        _tell(batch.client, batch, row, "doubt_asked", answerers(members, question.user))
    return len(again)


def _line_to_ask_about(batch: Batch, lines: Sequence[BatchLine], question: LineDoubt) -> BatchLine | None:
    """Return the line that is as it was when it was doubted; without a new run in between, any line of the person."""
    same = [one for one in lines if _facts(one) == _facts(question.line)]
    if not same and _run_version(batch) == _run_version(question.batch):
        same = [one for one in lines if one.due_id is not None and one.due_id == question.line.due_id]
    return same[0] if same else None


def _run_version(batch: Batch) -> str:
    return batch.version.partition(":")[0]


def _facts(line: BatchLine) -> tuple:
    return line.due_id, line.creditor_name, line.creditor_iban, line.amount_cents
