"""The operators' command for the settings: whether they are complete, and whether what they name answers."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from peewee import PeeweeException
from redis.exceptions import RedisError

import config
import jobs
import models
from commands.support import say

SECONDS = "10"  # in which a database must take a connection; a URL or the environment may say otherwise


@click.command("check-config")
@click.option("--connect", is_flag=True, help="also connect to database and queue, and write to the folders")
def check_config(connect: bool) -> None:
    """Check the settings and the files that they name; print a line for each fault."""
    settings = config.load()  # with a fault, the application has ended with its lines before this
    faults = config.unknown_settings() if settings.production else []
    if connect:
        faults += [*_of_folders(settings), *_of_database(settings), *_of_queue()]
    for fault in faults:
        say(fault)
    if faults:
        sys.exit(1)
    say("settings are complete")
    if connect:
        say("database, queue and folders answer")


def _of_folders(settings: config.Config) -> Iterator[str]:
    """Yield a sentence for each folder that cannot be written to. No order goes out without a mark in the first."""
    for name, folder in (("HOME", settings.home), ("AUDIT_ANCHORS", settings.audit_anchors.parent)):
        try:
            _write_to(folder)
        except OSError as error:
            yield f"{config.PREFIX}{name} cannot be written to: {error.strerror}"


def _write_to(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\n")


def _of_database(settings: config.Config) -> Iterator[str]:
    """Yield a sentence if the database does not answer, or lacks migrations of this version."""
    file = settings.database_url.removeprefix("sqlite:///")
    if file != settings.database_url and not Path(file).exists():  # connecting would make an empty one
        yield f"{config.PREFIX}DATABASE_URL: there is no database yet: run flask --app app migrate"
        return
    os.environ.setdefault("PGCONNECT_TIMEOUT", SECONDS)
    try:
        with models.database.connection_context():
            pending = models.pending_migrations()
    except PeeweeException as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        yield f"{config.PREFIX}DATABASE_URL: the database does not answer: {reason}"
        return
    if pending:
        missing = f"{len(pending)} migrations are missing ({', '.join(pending)})"
        yield f"{config.PREFIX}DATABASE_URL: {missing}: run flask --app app migrate"


def _of_queue() -> Iterator[str]:
    try:
        jobs.connection().ping()
    except RedisError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        yield f"{config.PREFIX}REDIS_URL: the queue does not answer: {reason}"


ALL = (check_config,)
