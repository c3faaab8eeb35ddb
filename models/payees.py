"""What people answered about accounts that are new for a person, or changed."""

from peewee import Check, ForeignKeyField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import Batch, BatchLine
from models.people import User

# How somebody made sure that an account is the person's. Not by mail: whoever reads it may have written it.
CONFIRMED = ("phone", "in_person", "records")


class PayeeAnswer(Table):
    """One answer to the question whether an account is the person's, for one line of one payment. Append-only.

    `question`: the keyed hash of the facts that it is about; other facts need another answer. The newest answer of a
    line counts. `act`: the answers that were given together. `earlier`: the same question was answered in another
    payment, and this is that answer; `user` is who gave it there.
    """

    batch = ForeignKeyField(Batch, backref="payee_answers")
    batch_id: int
    line = ForeignKeyField(BatchLine, backref="payee_answers")
    line_id: int
    concern = TextField()
    question = TextField(index=True)
    answer = TextField()
    user = ForeignKeyField(User)
    user_id: int
    answered_at = UtcField(default=utcnow)
    act = TextField()
    earlier = ForeignKeyField("self", null=True)
    earlier_id: int | None

    class Meta:
        table_name = "payee_answer"
        constraints = [
            Check("concern in ('changed', 'new')"),
            Check("answer in ('phone', 'in_person', 'records', 'not_yet')"),
            Check("earlier_id is null or answer <> 'not_yet'"),
        ]
