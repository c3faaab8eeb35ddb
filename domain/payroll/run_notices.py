"""Mail and push about a run that is not, or not whole, ready to be paid: which line, why, and what to do about it.

They go to every member, since whoever prepares the run corrects it. They name lines by their numbers in the file, never
people or amounts.
"""

from domain.outbox import mail, push
from domain.payments import held_lines
from models import Batch, Client, Membership, PayrollRun, User

MOST_TOLD = 5  # lines in a mail; of the others only the number is told


def notify_of_held_lines(run: PayrollRun, batch: Batch | None) -> None:
    """Notify the members of the lines that cannot be paid, once for the same lines. `batch` pays the others.

    Call it inside the transaction that writes the version.
    """
    held = held_lines.held_lines_of(run).held
    if not held:
        return
    client = Client.get_by_id(run.client_id)
    path = f"/betalingen/{batch.reference}#{HELD_ANCHOR}" if batch else _path(client, run)
    once = f"held:{run.id}:{held_lines.held_digest(held)}"
    people = _members(client)
    push.enqueue_push(client, "held", once, path, people, batch, line=held[0].number if len(held) == 1 else None)
    for user in people:
        mail.enqueue_mail(
            user, "lines_held", once=f"{once}:{user.id}", client=client, path=path, description=run.description,
            lines=[[one.number, one.reason] for one in held[:MOST_TOLD]], count=len(held), rest=batch is not None,
        )  # fmt: skip


HELD_ANCHOR = "niet-betaald"  # of the held lines on a payment's page


def notify_of_refusal(run: PayrollRun, code: str, line: int | None) -> None:
    """Notify the members that the run's file cannot be read as payments, once for the same reason.

    Call it inside the caller's transaction.
    """
    client = Client.get_by_id(run.client_id)
    path, once, people = _path(client, run), f"run_refused:{run.id}:{code}:{line}", _members(client)
    push.enqueue_push(client, "run_refused", once, path, people, line=line)
    for user in people:
        mail.enqueue_mail(
            user, "run_refused", once=f"{once}:{user.id}", client=client, path=path, description=run.description,
            code=code, line=line,
        )  # fmt: skip


def _path(client: Client, run: PayrollRun) -> str:
    return f"/{client.public_id}/apps/nmbrs/historie/{run.id}"


def _members(client: Client) -> list[User]:
    query = User.select().join(Membership).where(Membership.client == client.id)
    return list(query.order_by(User.id))
