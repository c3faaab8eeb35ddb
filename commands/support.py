"""What the operators' commands share: an open database, lines that are safe to print, and who the operator is."""

import getpass
import os
from pathlib import Path
from typing import Any

import click

import models
from core.hidden_characters import has_hidden, mark_hidden
from domain.common.errors import NotFound, OperatorRefused, StateConflict
from domain.operations import operator_access


def say(text: str) -> None:
    """Print a line. Names in it may be from outside, so control characters are printed as signs."""
    click.echo(mark_hidden(text))


class DatabaseCommand(click.Command):
    """A command with an open database connection. It refuses arguments with hidden characters."""

    def invoke(self, ctx: click.Context) -> Any:
        for param in self.params:
            if isinstance(given := ctx.params.get(param.name or ""), str) and has_hidden(given):
                raise click.BadParameter("it has characters that nobody sees", ctx, param)
        with models.database.connection_context():
            try:
                return super().invoke(ctx)
            except NotFound as error:
                raise click.ClickException("not found") from error
            except (StateConflict, OperatorRefused) as error:
                raise click.ClickException(str(error)) from error


def operator() -> str:
    return getpass.getuser()


def operator_token() -> str | None:
    """Return the token of the operator who acts: from the environment, a file, or typed. Never an argument, which other
    people on the machine can see. None where operators need not sign in."""
    if not operator_access.requires_sign_in():
        return None
    path = os.environ.get("BIZCUIT_OPERATOR_TOKEN_FILE")
    try:
        given = Path(path).read_text() if path else os.environ.get("BIZCUIT_OPERATOR_TOKEN")
    except OSError as error:
        raise click.ClickException(f"BIZCUIT_OPERATOR_TOKEN_FILE cannot be read: {error.strerror}") from error
    return (given or click.prompt("Your operator token", hide_input=True, err=True)).strip()
