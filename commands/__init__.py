"""The operators' commands: `flask --app app …`. Each makes one domain call and prints the result."""

from flask import Flask

from commands import payments, people, program, recovery, settings


def register(app: Flask) -> None:
    for command in (*settings.ALL, *program.ALL, *people.ALL, *payments.ALL, *recovery.ALL):
        app.cli.add_command(command)
