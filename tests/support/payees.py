"""Answers about new accounts, for tests whose subject they are not.

Nearly every test pays people for the first time. Such a test is one of a client that has asked about all of them
before: the answers are carried over into each payment as it is made (`payee_answers.carry_answers`). A test marked
`asks_payees` gets the product as it is: the questions are open.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from domain.payments import payee_answers
from domain.payments.payee_checks import checks_of, seen_digest
from domain.payments.queries import get_batch
from models import Batch, Membership, User

_carry = payee_answers.carry_answers


@contextmanager
def everybody_was_asked_before() -> Iterator[None]:
    """Within, every payment that is made in this process gets an answer to each of its questions."""
    with patch.object(payee_answers, "carry_answers", _carry_all):
        yield


@contextmanager
def nobody_was_asked_before() -> Iterator[None]:
    """Within, payments are made as the product makes them."""
    with patch.object(payee_answers, "carry_answers", _carry):
        yield


def _carry_all(batch: Batch) -> int:
    carried = _carry(batch)
    made = get_batch(batch.client, batch.reference)
    waiting = [one for one in checks_of(made, with_excluded=True) if one.waits]
    owner = Membership.select().where(Membership.client == batch.client_id).order_by(Membership.id).first()
    if waiting and owner is not None:
        payee_answers._store(batch, User.get_by_id(owner.user_id), waiting, "phone")
    return carried + len(waiting)


def open_questions(batch: Batch, concern: str) -> str:
    """Return what a page shows for the open questions of this concern (`seen_digest`)."""
    now = get_batch(batch.client, batch.reference)
    return seen_digest([one for one in checks_of(now) if one.waits and one.finding.concern == concern])


def answer_all(membership: Membership, batch: Batch, answer: str = "phone") -> None:
    """Answer every open question, as the boxes of the page do: one act for each concern."""
    for concern in ("changed", "new"):
        now = get_batch(batch.client, batch.reference)
        if any(one.waits and one.finding.concern == concern for one in checks_of(now)):
            payee_answers.answer_payees(membership, batch.reference, open_questions(batch, concern), answer)
