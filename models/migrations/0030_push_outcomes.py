"""Notifications of a payment that may still be executed, is contradicted, or came back whole."""

from models.dialect import allow_more_values


def up(migrator, db):
    allow_more_values(
        "push_notification", "refused", "'refused'", "'refused', 'may_be_executed', 'disputed', 'returned'"
    )
