"""Operators: people who run the service and act on the command line."""

from peewee import TextField

from core.clock import utcnow
from models.base import Table, UtcField


class Operator(Table):
    """A person who may decide on the command line. The token is shown once; its keyed hash is stored."""

    name = TextField(unique=True)  # normalised: domain.operations.operator_access
    token_hash = TextField(unique=True)
    added_by = TextField()  # the operator who signed in to add this one, else the account on the machine
    created_at = UtcField(default=utcnow)
    ended_at = UtcField(null=True)
