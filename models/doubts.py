"""Doubts about lines: a mistake in the payroll run, which holds the whole payment until it is settled."""

from peewee import Check, ForeignKeyField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import Batch, BatchLine
from models.people import User

ASKED, RIGHT, RERUN, WITHDRAWN, OVERRULED = "asked", "right", "rerun", "withdrawn", "overruled"
# What keeps a payment from being approved: a question, and the answer that the run will be run again.
HOLDING = (ASKED, RERUN)
MOST_WORDS = 200


class LineDoubt(Table):
    """One step of a doubt about one line of one payment. Append-only, but for the removal of its words.

    `asked` asks whether the run has a mistake; `right` and `rerun` answer; `withdrawn` takes the question back;
    `overruled` pays the others without an answer. The newest step of a line counts. `words` are those of a person.
    `earlier`: the question was asked at an earlier payment of the run; `user` is who asked it there.
    """

    batch = ForeignKeyField(Batch, backref="line_doubts")
    batch_id: int
    line = ForeignKeyField(BatchLine, backref="line_doubts")
    line_id: int
    step = TextField()
    words = TextField(null=True)
    user = ForeignKeyField(User)
    user_id: int
    taken_at = UtcField(default=utcnow)
    earlier = ForeignKeyField("self", null=True)
    earlier_id: int | None

    class Meta:
        table_name = "line_doubt"
        constraints = [
            Check("step in ('asked', 'right', 'rerun', 'withdrawn', 'overruled')"),
            Check("words is null or length(words) between 1 and 200"),
            Check("step <> 'asked' or words is not null"),
            Check("step in ('asked', 'right', 'rerun') or words is null"),
        ]
