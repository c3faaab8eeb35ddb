"""Why people left lines out of payments."""

from peewee import Check, ForeignKeyField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import Batch, BatchLine
from models.people import User

LATER, NEVER = "later", "never"


class LineVerdict(Table):
    """Why one line of one payment is left out: `later` is still to be paid, `never` is not. Append-only.

    The newest verdict on an excluded line counts; a line that was excluded without one is paid later. `earlier`: the
    verdict was given with another payment of the same run, and this is that verdict; `user` is who gave it there.
    """

    batch = ForeignKeyField(Batch, backref="line_verdicts")
    batch_id: int
    line = ForeignKeyField(BatchLine, backref="line_verdicts")
    line_id: int
    verdict = TextField()
    user = ForeignKeyField(User)
    user_id: int
    given_at = UtcField(default=utcnow)
    earlier = ForeignKeyField("self", null=True)
    earlier_id: int | None

    class Meta:
        table_name = "line_verdict"
        constraints = [Check("verdict in ('later', 'never')")]
