"""The operators' commands: `flask --app app …`. Each makes one domain call and prints the result."""

import sys
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from redis.exceptions import RedisError

import models
import recovery_commands
from command_support import DatabaseCommand, operator, operator_token, say
from core.iban import normalise
from core.money import cents, format_dutch
from core.version import VERSION
from domain.banking import holder_verification
from domain.common import audit
from domain.identity import persons, signing_authority
from domain.operations import (
    integrity,
    key_rotation,
    log_anchors,
    operator_access,
    operators,
    order_files,
    register_start,
)
from domain.payments import limits
from domain.payroll import intake, run_discovery
from jobs import tasks
from models.states import AuthorityAnswer, HolderCheck


def register(app: Flask) -> None:
    for command in (migrate, check_books, rotate_keys, authority_group, limits_group, accounts_group, order_group,
                    operator_group, nmbrs_group, sessions_group, sweep, audit_group, seed_demo, check_config,
                    version, *recovery_commands.ALL):  # fmt: skip
        app.cli.add_command(command)


@click.command()
def version() -> None:
    """Print the version of the program."""
    say(VERSION)


@click.command("check-config")
def check_config() -> None:
    """Check the settings and the files that they name; print a line for each fault."""
    say("settings are complete")  # with a fault, the application has ended with its lines before this


@click.command()
def migrate() -> None:
    """Bring the database schema up to date."""
    try:
        applied = models.migrate()
    except models.DatabaseTooOld as error:
        raise click.ClickException(str(error)) from None
    with models.database.connection_context():
        if applied or register_start.is_register_due():
            register_start.bring_up_to_date()
    say("applied: " + ", ".join(applied) if applied else "nothing to apply")


@click.command("check-books", cls=DatabaseCommand)
def check_books() -> None:
    """Compute everything again that follows from other rows, and name each payment with which something is wrong."""
    with models.read_snapshot():
        inconsistencies = list(integrity.find_inconsistencies())
    for sentence in inconsistencies:
        say(sentence)
    say(f"{len(inconsistencies)} faults")
    sys.exit(1 if inconsistencies else 0)


@click.command("rotate-keys", cls=DatabaseCommand)
def rotate_keys() -> None:
    """Encrypt every secret again with the key of BIZCUIT_DATA_KEY, by default the first of BIZCUIT_DATA_KEYS."""
    say(f"{key_rotation.rotate_keys()} values encrypted again")
    left = key_rotation.under_other_keys()
    for name, count in left.items():
        say(f"{name}: no key decrypts {count}; keep the old key")
    sys.exit(1 if left else 0)


authority_group = AppGroup("authority", help="Signing authority that waits for a decision.")


@authority_group.command("list", cls=DatabaseCommand)
def authority_list() -> None:
    """List users whose signing authority waits for a decision."""
    for row in signing_authority.pending_authority_reviews():
        say(f"{row.client.public_id}  {row.client.name}  {row.user.email}  {row.reason}")


@authority_group.command("decide", cls=DatabaseCommand)
@click.argument("client")
@click.argument("email")
@click.option("--yes", "answer", flag_value=AuthorityAnswer.AUTHORISED, help="may sign")
@click.option("--no", "answer", flag_value=AuthorityAnswer.NOT_AUTHORISED, help="may not sign")
@click.option("--reason", required=True)
def authority_decide(client: str, email: str, answer: str | None, reason: str) -> None:
    """Decide whether this user may sign for this client."""
    if answer is None:
        raise click.UsageError("say --yes or --no")
    client_row = operators.require_client(client)
    user = operators.member_of(client_row, email)
    signing_authority.decide_authority(client_row, user, answer, reason, operator())
    say(
        f"{user.email} may {'sign' if answer == AuthorityAnswer.AUTHORISED else 'not sign'} for {client_row.name}"
    )


@authority_group.command("distinct", cls=DatabaseCommand)
@click.argument("client")
@click.argument("email")
@click.argument("other")
@click.option("--reason", required=True, help="how it was checked")
def authority_distinct(client: str, email: str, other: str, reason: str) -> None:
    """Decide that two members whose identifications agree are two persons."""
    client_row = operators.require_client(client)
    one, second = operators.member_of(client_row, email), operators.member_of(client_row, other)
    if one.id == second.id:
        raise click.UsageError("name two members")
    persons.decide_distinct(client_row, one, second, reason, operator())
    say(f"{one.email} and {second.email} count as two persons")


limits_group = AppGroup("limits", help="Payment limits (betaallimieten) per bank account.")


@limits_group.command("show", cls=DatabaseCommand)
@click.argument("client")
def limits_show(client: str) -> None:
    """Show the limits of a client's accounts."""
    for row in operators.require_client(client).bank_accounts:
        say(
            f"{row.iban}  per payment {format_dutch(row.limit_payment_cents)}"
            f"  per day {format_dutch(row.limit_day_cents)}"
        )


def _amount(_: Any, __: Any, text: str | None) -> int | None:
    try:
        return None if text is None else cents(text)
    except ValueError as error:
        raise click.BadParameter("an amount in euros, like 250000 or 250000.00") from error


@limits_group.command("set", cls=DatabaseCommand)
@click.argument("client")
@click.argument("iban")
@click.option("--payment", callback=_amount, help="euros per payment")
@click.option("--day", callback=_amount, help="euros per day")
def limits_set(client: str, iban: str, payment: int | None, day: int | None) -> None:
    """Raise or lower the limits of one account."""
    account = operators.account_of(operators.require_client(client), normalise(iban))
    limits.set_limits(account, payment, day, operator())
    say("done")


accounts_group = AppGroup("accounts", help="Account holders that wait for a decision.")


@accounts_group.command("list", cls=DatabaseCommand)
def accounts_list() -> None:
    """List accounts whose holder's name differs from the client's: client, IBAN, both names."""
    for row in holder_verification.pending_holder_reviews():
        holder = row.holder_name or "(no name)"
        say(f"{row.client.public_id}  {row.iban}  at the bank: {holder}  client: {row.client.name}")


@accounts_group.command("check", cls=DatabaseCommand)
@click.argument("client")
@click.argument("iban")
@click.option("--yes", "answer", flag_value=HolderCheck.APPROVED, help="the account is this client's")
@click.option("--no", "answer", flag_value=HolderCheck.REJECTED, help="it is not")
@click.option("--reason", required=True)
def accounts_check(client: str, iban: str, answer: str | None, reason: str) -> None:
    """Decide whether this account belongs to this client; if so, its transactions are shown."""
    if answer is None:
        raise click.UsageError("say --yes or --no")
    client_row = operators.require_client(client)
    account = operators.account_of(client_row, normalise(iban))
    holder_verification.decide_holder(account, answer, reason, operator())
    say(f"{account.iban} is {'' if answer == HolderCheck.APPROVED else 'not '}of {client_row.name}")


order_group = AppGroup("order", help="Orders at the bank.")


@order_group.command("show", cls=DatabaseCommand)
@click.argument("reference")
@click.option("--xml", is_flag=True, help="print the file as sent, or as it would be sent now")
@click.option("--attempt", type=click.IntRange(min=1), help="with --xml: of this order of the payment, the first is 1")
def order_show(reference: str, xml: bool, attempt: int | None) -> None:
    """Show an order and the bank's answers."""
    if xml:
        try:
            click.echo(order_files.order_file(reference, attempt), nl=False)
        except order_files.NoOrderFile as error:
            raise click.ClickException(str(error)) from None
        return
    for line in operators.order_timeline(reference):
        say(line)


@order_group.command("resolve", cls=DatabaseCommand)
@click.argument("reference")
@click.option("--taken", "verdict", flag_value="taken", help="the bank has it")
@click.option("--not-taken", "verdict", flag_value="not_taken", help="the bank does not have it")
@click.option("--paid", "verdict", flag_value="paid", help="the bank executed all of it")
@click.option("--unpaid", "verdict", flag_value="unpaid", help="the bank executed nothing of it, and will not")
@click.option("--reason", required=True)
@click.option("--by", default=operator, help="the operator who reports; two different ones are needed")
def order_resolve(reference: str, verdict: str | None, reason: str, by: str) -> None:
    """Say what the bank told you of an order without an answer, or one that is disputed. It takes two people."""
    if verdict is None:
        raise click.UsageError("say --taken, --not-taken, --paid or --unpaid")
    say(operators.resolve_order(reference, verdict, reason, by, operator_token()))


operator_group = AppGroup("operator", help="Who may decide on this command line, each with a token of their own.")


@operator_group.command("add", cls=DatabaseCommand)
@click.argument("name")
@click.option("--by", default=operator, help="the operator who adds; needed once there is one")
def operator_add(name: str, by: str) -> None:
    """Register an operator and print the token, this once. Each after the first is added by one who signs in."""
    token = operator_token() if operator_access.active_operators() else None
    say(operator_access.add_operator(name, by, token, operator()))


@operator_group.command("list", cls=DatabaseCommand)
def operator_list() -> None:
    """List the operators who may sign in: name, since when, added by whom."""
    for row in operator_access.active_operators():
        say(f"{row.name}  {row.created_at:%Y-%m-%d %H:%M:%S}Z  added by {row.added_by}")


@operator_group.command("end", cls=DatabaseCommand)
@click.argument("name")
@click.option("--by", default=operator, help="the operator who acts")
def operator_end(name: str, by: str) -> None:
    """Let an operator sign in no more. What they said before stays."""
    say(f"{operator_access.end_operator(name, by, operator_token())} may sign in no more")


nmbrs_group = AppGroup("nmbrs", help="The connections to Nmbrs.")


@nmbrs_group.command("poll", cls=DatabaseCommand)
def nmbrs_poll() -> None:
    """Poll Nmbrs for every mapped company now."""
    say(f"{run_discovery.mark_all_due()} companies to poll")
    for company_id in run_discovery.due_companies():
        run_discovery.discover_runs(company_id)
    for run_id in intake.due_runs():
        intake.import_run(run_id)


@click.command()
def sweep() -> None:
    """Enqueue everything that is due."""
    try:
        tasks.enqueue_due_work()
    except RedisError as error:
        raise click.ClickException("the queue server is unavailable") from error


sessions_group = AppGroup("sessions", help="Sessions of users.")


@sessions_group.command("end", cls=DatabaseCommand)
@click.option("--email", help="only of this user")
@click.option("--all", "everybody", is_flag=True, help="of all users")
@click.option("--reason", required=True)
def sessions_end(email: str | None, everybody: bool, reason: str) -> None:
    """Sign users out everywhere at once, for example after the theft of a phone or the leak of a key."""
    if bool(email) == everybody:
        raise click.UsageError("either --email or --all")
    ended = operators.end_sessions(operator(), reason, operators.user_of(email) if email else None)
    say(f"{ended} sessions ended")


audit_group = AppGroup("audit", help="The audit log.")


@audit_group.command("verify", cls=DatabaseCommand)
def audit_verify() -> None:
    """Check that no audit event was changed, removed or inserted, also against the heads kept outside the database."""
    broken = {c.public_id: numbers for c in models.Client.select() if (numbers := audit.verify_chain(c.id))}
    for client, numbers in broken.items():
        say(f"{client}: does not hold at {numbers}")
    faults = list(log_anchors.anchor_faults())
    for fault in faults:
        say(fault)
    say("THE LOG DOES NOT HOLD" if broken or faults else "the log holds")
    sys.exit(1 if broken or faults else 0)


@audit_group.command("anchor", cls=DatabaseCommand)
def audit_anchor() -> None:
    """Keep the heads of the logs outside the database now; the worker does it every ten minutes."""
    say(f"{log_anchors.anchor_logs()} logs grew")


@click.command("seed-demo")
def seed_demo() -> None:
    """Take the demo customer through onboarding over HTTP; web, worker and sandbox must be running."""
    from tools.demo_journey import seed

    seed(say)
