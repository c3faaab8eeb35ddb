"""The operators' commands for the program itself: schema, books, log, keys, due work."""

import sys
import time

import click
from flask.cli import AppGroup
from redis.exceptions import RedisError

import models
from commands.support import DatabaseCommand, operator, operator_token, say
from core.version import VERSION
from domain.common import audit
from domain.common.services import services
from domain.operations import accepted_rows, integrity, key_rotation, log_anchors, register_start
from domain.operations.figures import read_figures
from domain.operations.status import status_lines
from jobs import tasks


@click.command()
def version() -> None:
    """Print the version of the program."""
    say(VERSION)


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


@click.command(cls=DatabaseCommand)
def status() -> None:
    """Show in one screen what waits, and mark what is wrong (!); exit 1 if anything is."""
    lines = status_lines(read_figures(), time.time())
    for line in lines:
        say(f"{'!' if line.is_wrong else ' '} {line.text}")
    sys.exit(1 if any(line.is_wrong for line in lines) else 0)


@click.command("check-books", cls=DatabaseCommand)
def check_books() -> None:
    """Compute again what follows from other rows, and print a line for each fault."""
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


@click.command()
def sweep() -> None:
    """Enqueue everything that is due."""
    try:
        tasks.enqueue_due_work()
    except RedisError as error:
        raise click.ClickException("the queue server is unavailable") from error


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


rows_group = AppGroup("rows", help="Rows that check-books refuses.")


@rows_group.command("show", cls=DatabaseCommand)
@click.argument("table")
@click.argument("key")
def rows_show(table: str, key: str) -> None:
    """Show what is wrong with a row (or the group of a long table), and the code that accepts it as it is."""
    row = accepted_rows.unproved_row(table, key)
    for fault in accepted_rows.faults_of(table, key):
        say(fault)
    say(f"code {row.code}")


@rows_group.command("accept", cls=DatabaseCommand)
@click.argument("table")
@click.argument("key")
@click.option("--code", required=True, help="from `rows show`")
@click.option("--reason", required=True, help="what was repaired, and why by hand")
@click.option("--by", default=operator, help="the operator who accepts; two different ones are needed")
def rows_accept(table: str, key: str, code: str, reason: str, by: str) -> None:
    """Accept a row that was repaired by hand. It takes two operators."""
    say(accepted_rows.accept_row(table, key, code, reason, by, operator_token()))


@click.command("seed-demo")
def seed_demo() -> None:
    """Take the demo customer through onboarding over HTTP; web, worker and sandbox must be running."""
    if services().operators_sign_in:
        raise click.ClickException("production has no demo customer")
    from tools.demo_journey import seed

    seed(say)


ALL = (version, migrate, status, check_books, rotate_keys, sweep, audit_group, rows_group, seed_demo)
