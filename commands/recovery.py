"""The operators' commands for holds, backups, and what follows a restore."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
from flask.cli import AppGroup

import config
import models
from commands.support import DatabaseCommand, operator, operator_token, say
from core.backup_file import BackupRefused
from core.money import format_dutch
from domain.common import marks
from domain.common.errors import BankUnavailable, UnknownBank
from domain.operations import backups, found_orders, payment_holds, restore_check
from domain.operations.restore_check import Question
from domain.orders import status_polling
from domain.payroll import intake, run_discovery
from domain.reconciliation import transactions
from models import dumps

hold_group = AppGroup("hold", help="Holds: while one is in force, nothing is submitted to banks.")
_reason = click.option("--reason", required=True, help="shown to the clients")
_by = click.option("--by", default=operator, help="the operator who acts")


@hold_group.command("all", cls=DatabaseCommand)
@_reason
@_by
def hold_all(reason: str, by: str) -> None:
    """Hold all payments."""
    _say_held(payment_holds.hold(by, operator_token(), reason).id)


@hold_group.command("client", cls=DatabaseCommand)
@click.argument("client")
@_reason
@_by
def hold_client(client: str, reason: str, by: str) -> None:
    """Hold the payments of one client."""
    _say_held(payment_holds.hold(by, operator_token(), reason, client=client).id)


@hold_group.command("bank", cls=DatabaseCommand)
@click.argument("bank")
@_reason
@_by
def hold_bank(bank: str, reason: str, by: str) -> None:
    """Hold the payments at one bank, by its id in BIZCUIT_BANKS."""
    _say_held(payment_holds.hold(by, operator_token(), reason, bank=bank).id)


def _say_held(number: int) -> None:
    say(f"hold {number} is in force: nothing new goes to a bank; `hold lift {number}` ends it")


@hold_group.command("list", cls=DatabaseCommand)
def hold_list() -> None:
    """List the holds in force: number, what is held, since when, why, and what waits."""
    for one in payment_holds.waiting():
        say(
            f"{one.hold.id}  {one.scope}  since {one.hold.placed_at:%Y-%m-%d %H:%M:%S}Z  by {one.hold.placed_by}  "
            f"{one.hold.reason}  {one.payments} payments wait, EUR {format_dutch(one.cents)}"
        )


@hold_group.command("lift", cls=DatabaseCommand)
@click.argument("number", type=int)
@click.option("--reason", required=True)
@_by
def hold_lift(number: int, reason: str, by: str) -> None:
    """Lift a hold. After a restore, only for clients of which everything was asked, or by two operators."""
    say(payment_holds.lift(number, by, operator_token(), reason))


# --- after a restore ------------------------------------------------------------------------------
@click.command("restore-check", cls=DatabaseCommand)
@click.option("--ask", is_flag=True, help="ask now what was not asked yet; the workers do so too")
def check_after_restore(ask: bool) -> None:
    """Show per client and bank what was asked after a restore, what was found, and what could not be asked."""
    for hold in restore_check.restore_holds():
        for one in list(restore_check.questions(hold)) if ask else []:
            if one.why_not:
                _ask(one)
        _report(payment_holds.scope_of(hold), hold.id, list(restore_check.questions(hold)))
    for lost in restore_check.found_orders():
        payment = lost.batch.reference if lost.batch else "not made again yet"
        made = "  followed as an order again" if lost.order_id else ""
        say(
            f"{lost.client.public_id}  found order {lost.msg_id}  by {lost.source}  {lost.sent_at:%Y-%m-%d %H:%M}Z  "
            f"payment {payment}{made}"
        )


def _ask(one: Question) -> None:
    asks: dict[str, Callable[[int], object]] = {
        "runs": _discover, "run": intake.import_run, "order": status_polling.poll_status, "bookings": _read_bookings,
    }  # fmt: skip
    asks[one.kind](one.row_id)


def _discover(company_id: int) -> None:
    for run_id in run_discovery.discover_runs(company_id):
        intake.import_run(run_id)


def _read_bookings(account_id: int) -> None:
    try:
        transactions.refresh_transactions(account_id, None)
    except (BankUnavailable, UnknownBank) as error:
        click.echo(f"account {account_id}: {type(error).__name__}", err=True)


def _report(scope: str, number: int, asked: list[Question]) -> None:
    say(f"hold {number}  {scope}")
    counts = Counter((one.client.public_id, one.whom, one.kind) for one in asked if not one.why_not)
    for (client, whom, kind), count in counts.items():
        say(f"{client}  {whom}  {kind}: {count} asked")
    left = [one for one in asked if one.why_not]
    for one in left:
        say(f"{one.client.public_id}  {one.whom}  {one.subject}: NOT ASKED, {one.why_not}")
    say(f"everything was asked: `hold lift {number}`" if not left else f"{len(left)} not asked")


@click.command("rule-out-order", cls=DatabaseCommand)
@click.argument("msg_id")
@click.option("--reason", required=True, help="what the bank said")
@_by
def rule_out_order(msg_id: str, reason: str, by: str) -> None:
    """Say that the bank does not have an order that was found after a restore. It takes two operators."""
    say(found_orders.rule_out(msg_id, reason, by, operator_token()))


# --- backups --------------------------------------------------------------------------------------
def _store() -> backups.Store:
    settings = config.load()
    return backups.Store(settings.database_url, settings.home, settings.backup_key)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def backup(file: Path | None) -> None:
    """Write an encrypted backup of the whole database into a new file, or to the standard output."""
    try:
        with models.database.connection_context():
            if file is None:
                size = backups.back_up(_store(), sys.stdout.buffer)
            else:
                size = backups.back_up_into(_store(), file)
    except FileExistsError as error:
        raise click.ClickException(f"{error} exists already: a backup is never written over another file") from None
    except (dumps.DumpFailed, OSError) as error:
        raise click.ClickException(f"no backup was made: {error}") from None
    click.echo(f"backed up {size} bytes{f' into {file}' if file else ''}", err=file is None)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="SQLite: in the place of the database that is there")
def restore(file: Path, replace: bool) -> None:
    """Restore a backup, prove it, and hold all payments until banks and Nmbrs were asked what happened since."""
    try:
        done = backups.restore(_store(), file, replace)
    except (BackupRefused, backups.RestoreRefused, dumps.DumpFailed, OSError) as error:
        raise click.ClickException(str(error)) from None
    except marks.NoMarkKept:
        raise click.ClickException("no mark can be kept, in BIZCUIT_HOME or the queue: nothing was changed") from None
    say(f"restored the database of {done.of:%Y-%m-%d %H:%M:%S} UTC")
    if done.migrated:
        say("applied: " + ", ".join(done.migrated))
    for sentence in done.faults:
        say(sentence)
    say(f"{len(done.faults)} faults in the log and the books")
    say(f"hold {done.hold.id} is in force: start the workers, then `restore-check`")
    if done.faults:
        raise SystemExit(1)


ALL = (hold_group, check_after_restore, rule_out_order, backup, restore)
