"""The operators' commands for payments: limits, orders at banks, and asking Nmbrs for runs."""

from typing import Any

import click
from flask.cli import AppGroup

from commands.support import DatabaseCommand, operator, operator_token, say
from core.iban import normalise
from core.money import cents, format_dutch
from domain.operations import operators, order_files
from domain.payments import limits
from domain.payroll import intake, run_discovery

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


order_group = AppGroup("order", help="Orders at the bank.")


@order_group.command("show", cls=DatabaseCommand)
@click.argument("reference")
@click.option("--xml", is_flag=True, help="print the file as sent, or as it would be sent now")
@click.option("--attempt", type=click.IntRange(min=1), help="with --xml: of this order of the payment, the first is 1")
def order_show(reference: str, xml: bool, attempt: int | None) -> None:
    """Show an order and the bank's answers."""
    if xml:
        try:
            file = order_files.order_file(reference, attempt)
        except order_files.NoOrderFile as error:
            raise click.ClickException(str(error)) from None
        click.echo(file.body, nl=False)
        if file.note:
            click.echo(file.note, err=True)
        return
    for line in operators.order_timeline(reference):
        say(line)


@order_group.command("resolve", cls=DatabaseCommand)
@click.argument("reference")
@click.option("--taken", "verdict", flag_value="taken", help="the bank has it")
@click.option("--not-taken", "verdict", flag_value="not_taken", help="the bank does not have it")
@click.option("--paid", "verdict", flag_value="paid", help="the bank executed the lines that are not proved")
@click.option("--unpaid", "verdict", flag_value="unpaid", help="the bank did not execute the lines that are not proved")
@click.option("--reason", required=True)
@click.option("--by", default=operator, help="the operator who reports; two different ones are needed")
def order_resolve(reference: str, verdict: str | None, reason: str, by: str) -> None:
    """Say what the bank told you of an order without an answer, or one that is disputed. It takes two people."""
    if verdict is None:
        raise click.UsageError("say --taken, --not-taken, --paid or --unpaid")
    say(operators.resolve_order(reference, verdict, reason, by, operator_token()))


nmbrs_group = AppGroup("nmbrs", help="The connections to Nmbrs.")


@nmbrs_group.command("poll", cls=DatabaseCommand)
def nmbrs_poll() -> None:
    """Poll Nmbrs for every mapped company now."""
    say(f"{run_discovery.mark_all_due()} companies to poll")
    for company_id in run_discovery.due_companies():
        run_discovery.discover_runs(company_id)
    for run_id in intake.due_runs():
        intake.import_run(run_id)


ALL = (limits_group, order_group, nmbrs_group)
