"""The operators' commands for people: authority, account holders, sessions, and operators themselves."""

import click
from flask.cli import AppGroup

from commands.support import DatabaseCommand, operator, operator_token, say
from core.iban import normalise
from domain.banking import holder_verification
from domain.identity import persons, signing_authority
from domain.operations import operator_access, operators
from models.states import AuthorityAnswer, HolderCheck

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
    say(f"{user.email} may {'sign' if answer == AuthorityAnswer.AUTHORISED else 'not sign'} for {client_row.name}")


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
    """End an operator's access. What they reported before still counts."""
    say(f"{operator_access.end_operator(name, by, operator_token())} may sign in no more")


ALL = (authority_group, accounts_group, sessions_group, operator_group)
