"""The known payees of a client: what is unusual about whom a payment pays, and what people answered about it.

`payee_findings` judges; here are the rows: what is to be paid, and the answers. A payment passes only when every line
that asks something has an answer to exactly that question (`require_answered`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import chunked

from core.clock import utcnow
from core.encryption import digest_sha256
from core.names import normalise_name
from domain.common.encryption import blind_index
from domain.common.errors import AnsweredByApprover, UnansweredPayees
from domain.identity import identification
from domain.identity.persons import same_person
from domain.payments import line_doubts
from domain.payments.early_names import newest_answer, used_since
from domain.payments.line_verdicts import lines_with_verdicts
from domain.payments.paid_history import executed_to
from domain.payments.payee_findings import Finding, PaidAccount, Payee, PlannedLine, find_unusual
from models import Batch, BatchLine, Client, Due, PayeeAnswer, User
from models.payees import CONFIRMED
from models.prepared import Prepared
from models.states import BatchState, LineState, RunKind

# States of a payment in which an answer is asked, or must still hold.
_JUDGED = (BatchState.OPEN, BatchState.APPROVED, BatchState.SENDING)
_ASKED_AT_ONCE = 500
PLANNED = (LineState.OPEN, LineState.EXCLUDED, LineState.SENT)


@dataclass(frozen=True)
class GivenAnswer:
    """The newest answer about a line: how somebody made sure, who, and when. `carried`: given with another payment."""

    question: str
    answer: str
    user: User
    answered_at: datetime
    carried: bool = False

    @property
    def confirms(self) -> bool:
        return self.answer in CONFIRMED


@dataclass(frozen=True)
class PayeeCheck:
    """A line about which something is unusual. `question`: the keyed hash of the facts; `place`: where
    the page shows the line; `given`: the newest answer.
    """

    finding: Finding
    question: str
    place: int
    name: str
    amount_cents: int
    given: GivenAnswer | None = None

    @property
    def is_answered(self) -> bool:
        """Return whether somebody confirmed exactly this."""
        return self.given is not None and self.given.confirms and self.given.question == self.question

    @property
    def waits(self) -> bool:
        """Return whether the payment waits for an answer about this line."""
        return self.finding.must_be_answered and not self.is_answered


def checks_of(batch: Batch, with_excluded: bool = False) -> list[PayeeCheck]:
    """Return what is unusual about the lines that this payment pays, by position; nothing of one that is on its way.

    The tax authority is no payee that payroll names: its account comes from this program. Expects the account.
    `with_excluded`: also of lines that are excluded, and may be included again.
    """
    if not is_judged(batch):
        return []
    return checks_of_lines(batch, lines_with_answers(batch), executed_to(batch), with_excluded)


def is_judged(batch: Batch) -> bool:
    """Return whether people may still be asked about this payment, or an answer must still hold."""
    return batch.state in _JUDGED and batch.kind == RunKind.SALARY


def checks_of_lines(
    batch: Batch, lines: Sequence[BatchLine], executed: Sequence[PaidAccount], with_excluded: bool = False
) -> list[PayeeCheck]:  # fmt: skip
    """`checks_of` a payment whose lines (`lines_with_answers`) and history (`executed_to`) were just read."""
    rows = [one for one in lines if one.state in PLANNED]
    findings = find_unusual([planned_line(batch, one) for one in rows], executed, _country_of(batch))
    paid = {one.id: one for one in rows if with_excluded or one.state != LineState.EXCLUDED}
    judged = [(paid[one.line], one) for one in findings if one.line in paid]
    given = _given(batch.id) if judged else {}
    return [
        PayeeCheck(
            one, question_of(batch.client_id, one), row.place or row.position, row.creditor_name, row.amount_cents,
            given.get(one.line),
        )
        for row, one in judged
    ]  # fmt: skip


def question_of(client_id: int, finding: Finding) -> str:
    """Return the keyed hash of the facts that a person is asked about."""
    return blind_index(f"payee:{client_id}:{finding.facts!r}")


def seen_digest(checks: Iterable[PayeeCheck]) -> str:
    """Return the hash of these questions: whoever answers them saw exactly these."""
    return digest_sha256("\n".join(f"{one.finding.line}:{one.question}" for one in checks).encode())[:32]


# --- refusing -------------------------------------------------------------------------------------
def require_answered(batch: Batch, approver: User) -> None:
    """Check that every question about this payment is answered, by somebody else than `approver` where the client
    wants that.

    Raises:
    - UnansweredPayees, AnsweredByApprover
    """
    checks = [one for one in checks_of(batch) if one.finding.must_be_answered]
    if any(one.waits for one in checks):
        raise UnansweredPayees
    if not Client.get_by_id(batch.client_id).payees_asked_by_other:
        return
    people = {one.given.user.id: one.given.user for one in checks if one.given}
    if any(not identification.is_identified(one) or same_person(one, approver) for one in people.values()):
        raise AnsweredByApprover


def has_open_questions(batch: Batch) -> bool:
    """Return whether a question about this payment is open: nobody answered it, or the facts changed since."""
    return any(one.waits for one in checks_of(batch))


# --- in the digest --------------------------------------------------------------------------------
def answer_marks(batch_id: int, until: datetime | None = None) -> dict[int, str]:
    """Return what the digest of a payment says of what people answered about a line: that its account is the person's,
    and that the run has no mistake in it. `until`: as it was at that time.
    """
    query = PayeeAnswer.select(PayeeAnswer.line, _mark()).where(PayeeAnswer.batch == batch_id)
    if until is not None:
        query = query.where(PayeeAnswer.answered_at <= until)
    rows: Any = query.order_by(PayeeAnswer.id).tuples()
    return _with_right(_confirming(dict(rows)), line_doubts.right_marks(batch_id, until))


def marks_of(batch_id: int, lines: Sequence[BatchLine]) -> dict[int, str]:
    """Return `answer_marks` of these lines: what was read with them (`lines_with_answers`), else by a query."""
    if any(not hasattr(one, "answer_mark") for one in lines):
        return answer_marks(batch_id)
    marks = _confirming({one.id: mark for one in lines if (mark := getattr(one, "answer_mark", None))})
    return _with_right(marks, {one.id: mark for one in lines if (mark := getattr(one, "right_mark", None))})


def _with_right(answers: Mapping[int, str], right: Mapping[int, str]) -> dict[int, str]:
    """Return the marks of answers about accounts, each with that of an answer that the line is right."""
    return {line: "|".join(filter(None, (answers.get(line), right.get(line)))) for line in answers.keys() | right}


def _mark() -> Any:
    return PayeeAnswer.question.concat(":").concat(PayeeAnswer.answer).concat(":").concat(
        PayeeAnswer.user.cast("TEXT")
    )  # fmt: skip


def _confirming(newest: Mapping[int, str]) -> dict[int, str]:
    return {line: mark for line, mark in newest.items() if mark.split(":")[1] in CONFIRMED}


# --- reading --------------------------------------------------------------------------------------
def lines_with_answers(batch: Batch) -> list[BatchLine]:
    """Return all lines of a payment by position, each with its `employee` number, the `answer_mark` of its newest
    answer, the `verdict` on it, and what was said of its name (`early_names`).
    """
    return _lines_with_answers(batch.id, batch.client_id, used_since(utcnow()))


@Prepared
def _lines_with_answers(batch: Any, client: Any, checked_since: Any) -> Any:
    newest = PayeeAnswer.select(_mark()).where(PayeeAnswer.line == BatchLine.id).order_by(PayeeAnswer.id.desc())
    employee = Due.select(Due.employee).where(Due.id == BatchLine.due)
    query = lines_with_verdicts(
        employee.alias("employee"), newest.limit(1).alias("answer_mark"),
        newest_answer(client, checked_since).alias("early_name"),
    )  # fmt: skip
    return query.where(BatchLine.batch == batch).order_by(BatchLine.position)


def planned_line(batch: Batch, line: Any) -> PlannedLine:
    """Return a line of `lines_with_answers` as it is judged."""
    payee = Payee(batch.company_key, normalise_name(line.creditor_name), line.employee)
    return PlannedLine(line.id, payee, line.creditor_iban, line.creditor_name, line.amount_cents)


def _country_of(batch: Batch) -> str:
    return batch.bank_account.iban[:2]


def _given(batch_id: int) -> Mapping[int, GivenAnswer]:
    rows = PayeeAnswer.select(PayeeAnswer, User).join(User).where(PayeeAnswer.batch == batch_id)
    return {
        row.line_id: GivenAnswer(row.question, row.answer, row.user, row.answered_at, row.earlier_id is not None)
        for row in rows.order_by(PayeeAnswer.id)
    }


def earlier_answers(client_id: int, questions: Sequence[str]) -> dict[str, PayeeAnswer]:
    """Return the newest answer that confirms each of these questions, in any payment of the client."""
    found: dict[str, PayeeAnswer] = {}
    for part in chunked(questions, _ASKED_AT_ONCE):
        rows = PayeeAnswer.select().join(Batch).where(
            Batch.client == client_id, PayeeAnswer.question.in_(part), PayeeAnswer.answer.in_(CONFIRMED),
            PayeeAnswer.earlier.is_null(),
        )  # fmt: skip
        found |= {row.question: row for row in rows.order_by(PayeeAnswer.id)}
    return found
