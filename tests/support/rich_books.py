"""Books in which everything has happened: payments in every kind of state, and at least two rows in every table.

The rows are made through the tables, as the program makes them, so the register of rows knows them.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import models
from core.bank_days import next_bank_day
from core.clock import today_amsterdam, utcnow
from domain.accounts import passwords
from domain.common import audit
from domain.common.encryption import blind_index, encrypt
from domain.orders import manual_submission, submission
from domain.payments import amendments, doubt_answers
from domain.payments.release import release
from domain.payroll import excess_payment, reopening
from models import (
    BankConsent,
    BankTransaction,
    Batch,
    BatchLine,
    Client,
    Device,
    EmailChange,
    EmailToken,
    Membership,
    NmbrsConnection,
    PayrollRun,
    User,
)
from models.dialect import is_sqlite
from models.states import HoldCause
from tests.support.bookings import allow, executed, look
from tests.support.factories import PIN, PSU, Demo, authorise, here, make_demo, make_user
from tests.support.names import follow, sign
from tests.support.sandbox import Sandbox


@dataclass
class Books:
    """A payment that was executed in one booking, one that was booked by line with a return, one that was refused and
    is open again, one that a first person approved, one that two approved, and one that is open. Beside two
    lines of the first one, two people allowed more than is owed."""

    demo: Demo
    lump: Batch
    by_line: Batch
    again: Batch
    half: Batch
    approved: Batch
    open: Batch


def make_books(sandbox: Sandbox) -> Books:
    """Make the payments with the program."""
    demo = make_demo(sandbox)
    account = allow(demo, sandbox)
    lump, by_line, again = (demo.batch(number=number) for number in (1, 2, 3))
    later = next_bank_day(today_amsterdam() + timedelta(days=10))
    amendments.change_date_and_account(demo.client, demo.user, lump.reference, later, demo.account.id)
    for batch, verdict in ((lump, "later"), (by_line, "never")):
        line = BatchLine.get(BatchLine.batch == batch.id).id
        amendments.exclude_line(demo.client, demo.user, batch.reference, line, verdict)
        amendments.include_line(demo.client, demo.user, batch.reference, line)
    for batch, end in ((lump, doubt_answers.go_on), (by_line, None)):
        line = BatchLine.get(BatchLine.batch == batch.id).id
        doubt_answers.ask_doubt(demo.membership, batch.reference, line, "Too much?")
        if end:
            end(demo.membership, batch.reference, line)
        amendments.include_line(demo.client, demo.user, batch.reference, line)
    for batch, choice in ((lump, "ondertekenen"), (by_line, "ondertekenen"), (again, "weigeren")):
        release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
        submission.submit_order(batch.id)
        sign(demo, batch, choice)
        follow(batch)
    sandbox.fault(bank_books_lines=True)
    executed(sandbox, by_line)
    sandbox.fault(bank_returns_line=True)
    executed(sandbox, by_line, days=3)
    sandbox.fault(bank_books_lines=False, bank_returns_line=False)
    executed(sandbox, lump, days=12)
    look(account)
    reopening.reopen_payment(demo.client, demo.user, again.reference)
    other = _second_approver(demo)
    half, approved, last = (demo.batch(number=number) for number in (4, 5, 6))
    for batch, people in ((half, [demo.membership]), (approved, [demo.membership, other])):
        for who in people:
            release(Membership.get_by_id(who.id), batch.reference, demo.view(batch).digest, "session", PSU)
    for position in (1, 2):
        _allow_more(demo, other, lump, position)
    found = [Batch.get_by_id(batch.id) for batch in (lump, by_line, again, half, approved, last)]
    assert [batch.state for batch in found] == ["executed", "partly_executed", "open", "open", "approved", "open"]
    assert BankTransaction.select().where(BankTransaction.match_type == "return").count() == 1
    return Books(demo, *found)


def _allow_more(demo: Demo, other: Membership, batch: Batch, position: int) -> None:
    line = BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == position)
    asked_by = Membership.get_by_id(demo.membership.id)
    row = excess_payment.ask(
        asked_by, batch.reference, line.id, 10_00, "It did not arrive", PIN, here(asked_by)
    )
    excess_payment.allow(other, row.id, PIN, here(other))


def _second_approver(demo: Demo) -> Membership:
    user = make_user(name="Naomi")
    authorise(demo.client, user)
    models.Pin.create(user=user, pin_hash=passwords.hash_pin(user.id, PIN))
    Client.update(dual_approval_from_cents=10_00).where(Client.id == demo.client.id).execute()
    demo.membership = Membership.get_by_id(demo.membership.id)
    return Membership.create(user=user, client=demo.client, role="approver")


# --- what else is there ---------------------------------------------------------------------------
def add_everything_else(books: Books, sandbox: Sandbox) -> None:
    """Add a second client, and two rows to each table that has fewer."""
    other = make_demo(sandbox)
    with models.transaction(other.client.id):
        audit.record_event(other.client.id, audit.WORKER, "client.registered", f"client:{other.client.id}")
    for number, demo in enumerate((books.demo, other)):
        _credentials(demo.user, number)
        _team(demo, number)
        _bank(demo, number)
        _payroll(demo, number)
    _payments(books)
    _holds_and_confirmations(books)
    _by_hand(other)
    poor = [table.__name__ for table in models.TABLES if table.select().count() < 2]
    assert poor == ["RowRegister"], "tables with fewer than two rows"


def _credentials(user: User, number: int) -> None:
    now = utcnow()
    device = Device.create(
        user=user, token_hash=blind_index(f"phone{number}"), user_agent="", confirmed_at=now, confirmed_by="mail"
    )
    models.Pin.get_or_create(user=user, defaults={"pin_hash": f"hash {number}"})
    models.PinAttempts.create(user=user, device=device, failures=number)
    models.Passkey.create(
        user=user, credential_id=f"credential{number}", public_key=f"key {number}", sign_count=0, name="telefoon"
    )
    models.PushSubscription.create(
        user=user, device=device, endpoint_hash=f"endpoint{number}", endpoint_encrypted=f"v1:{number}"
    )
    models.WebauthnChallenge.create(
        challenge_hash=f"challenge{number}", purpose="release", session_hash=f"session{number}", user=user,
        expires_at=now,
    )  # fmt: skip
    models.LoginSession.create(
        token_hash=f"session{number}", user=user, data={}, device=device, expires_at=now, authenticated_at=now,
        elevated_until=now,
    )  # fmt: skip
    EmailToken.create(token_hash=f"reset{number}", user=user, purpose="reset", expires_at=now)
    EmailChange.create(
        user=user, email=f"n{number}@demobv.example", confirm_hash=f"c{number}", stop_hash=f"s{number}", expires_at=now
    )
    models.RateLimitBucket.create(bucket=f"bucket{number}", attempts=1, retry_at=now, last_attempt_at=now)
    models.IdentificationAttempt.create(
        state_hash=f"state{number}", session_hash=f"session{number}", user=user, client=Client.get(),
        oidc_request_encrypted=encrypt("{}", "identity_attempt", f"state{number}"),
    )  # fmt: skip
    models.Operator.create(name=f"operator {number}", token_hash=f"operator{number}", added_by="root")


def _team(demo: Demo, number: int) -> None:
    client, user = demo.client, demo.user
    member = make_user(name=f"Member {number}")
    Membership.create(user=member, client=client, role="preparer")
    models.DistinctPersons.create(first=user.id, second=member.id, decided_by="operator 0")
    models.Invitation.create(
        client=client, invited_by=user, email=f"new{number}@example.nl", role="approver",
        token_hash=f"invitation{number}", expires_at=utcnow() + timedelta(days=7),
    )  # fmt: skip
    models.ApprovalThresholdChange.create(client=client, user=user, threshold_cents=number)
    models.WebhookKey.create(client=client, key_hmac=f"key{number}", key_encrypted=f"v1:{number}")


def _bank(demo: Demo, number: int) -> None:
    consent = BankConsent.create(
        client=demo.client, user=demo.user, bank="ponto", state_hash=f"consent{number}", status="valid"
    )
    models.BankOauthGrant.create(consent=consent, tokens_encrypted=f"v1:{number}")
    models.ConsentUsage.create(consent=consent, day=today_amsterdam(), resource="balances")
    models.TokenRevocation.create(
        client=demo.client, service="ponto", subject=f"link:{consent.id}", token_encrypted=f"v1:{number}"
    )
    BankTransaction.create(
        account=demo.account, dedupe_key=f"other{number}", booking_date=today_amsterdam(), amount_cents=-100 - number,
        counterparty_name="Energie", counterparty_iban="NL64TRIO0379501686", remittance_information="nota",
        end_to_end_id="",
    )  # fmt: skip


def _payroll(demo: Demo, number: int) -> None:
    client, connection = demo.client, demo.connection
    NmbrsConnection.create(
        client=client, email=f"other{number}@example.nl", token_encrypted=f"v1:{number}", environment="demo"
    )
    models.NmbrsDebtor.create(connection=connection, nmbrs_id=f"debtor{number}", number="1", name="Debiteur")
    models.NmbrsPermissionCheck.create(connection=connection, position=1, operation="List", is_required=True)
    models.NmbrsOauthRequest.create(
        state_hash=f"request{number}", client=client, user=demo.user, connection=connection,
        pkce_verifier_encrypted=f"v1:{number}", expires_at=utcnow(),
    )  # fmt: skip
    models.NmbrsCall.create(connection=connection, operation="List", request={}, outcome="ok", response={})
    models.WebhookDelivery.create(client=client, content_type="text/plain", headers={}, body=b"")
    models.OutgoingMail.create(user=demo.user, client=client, kind="role", payload_encrypted="v1:x",
                               dedupe_key=f"mail{number}")  # fmt: skip
    models.AcceptedCreditorName.create(
        client=client, iban="NL64TRIO0379501686", payroll_name="Jansen", vop_name="J Jansen", user=demo.user
    )


def _payments(books: Books) -> None:
    user, run = books.demo.user, PayrollRun.get_by_id(books.open.run_id)
    for number, batch in enumerate((books.half, books.open)):
        models.NameCheckTask.create(batch=batch)
        models.EarlyNameCheck.create(
            client=books.demo.client, iban="NL64TRIO0379501686", name="Jansen", result="CMTC", holder="J Jansen",
            service="surepay",
        )  # fmt: skip
        models.WarningAcknowledgement.create(batch=batch, kind="twice", subject=str(number), user=user)
        models.PushNotification.create(
            subscription=models.PushSubscription.get(), client=books.demo.client, event="waits", path="/",
            dedupe_key=f"push{number}",
        )  # fmt: skip
        models.HeldLine.create(
            run=run, version="v", number=number + 1, reason="zero_amount", name="Nul", iban="NL00", description="",
            amount_cents=0, currency="EUR", open_cents=0,
        )  # fmt: skip


def _holds_and_confirmations(books: Books) -> None:
    """Two of each, of which nothing is in force any more."""
    order, now = models.BankOrder.get(models.BankOrder.batch == books.lump.id), utcnow()
    for number in range(2):
        models.PaymentHold.create(cause=HoldCause.OPERATOR, reason="test", placed_by="root", lifted_at=now,
                                  lifted_by="root")  # fmt: skip
        models.LostOrder.create(
            client=books.demo.client, msg_id=f"lost{number}", source="mark", sent_at=now, ruled_out_at=now
        )
        row = models.NameConfirmation.create(
            order=order, user=books.demo.user, digest=str(number), authentication_method="pin", ip=""
        )
        with models.transaction(books.demo.client.id):
            audit.record_event(
                books.demo.client.id, audit.by_user(books.demo.user), "names.confirmed_by_one",
                f"batch:{books.lump.reference}", order=order.id, digest=row.digest, proof="pin", confirmation=row.id,
            )  # fmt: skip


def _by_hand(demo: Demo) -> None:
    """A payment whose file a member took to the bank, twice."""
    account = manual_submission.add_account(demo.client, demo.user, "NL61KNAB0257398104", "Demo BV")
    batch = demo.batch(number=7)
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, here(demo.membership))
    submission.submit_order(batch.id)
    for _ in range(2):
        manual_submission.download_order_file(demo.membership, batch.reference)


# --- past the program -----------------------------------------------------------------------------
def switch_triggers(how: str) -> None:
    """Switch all triggers of a PostgreSQL database; `how`: "enable" or "disable"."""
    for table in models.TABLES:
        models.database.execute_sql(f'alter table "{table._meta.table_name}" {how} trigger user')


def switch_triggers_off() -> None:
    """Let everything through that a database can refuse by itself, as whoever owns it can."""
    execute = models.database.execute_sql
    if not is_sqlite():
        switch_triggers("disable")
        return
    for (name,) in execute("select name from sqlite_master where type = 'trigger'").fetchall():
        execute(f"drop trigger {name}")
    execute("pragma ignore_check_constraints = on")


def switch_triggers_on() -> None:
    """On PostgreSQL the next test has the same database."""
    if not is_sqlite():
        switch_triggers("enable")


def table_of(name: str) -> Any:
    return next(one for one in models.TABLES if one._meta.table_name == name)
