"""Evidence of members: two who confirm a bank's file about an order whose linked bank cannot be asked."""

from models.dialect import allow_more_values


def up(migrator, db):
    allow_more_values("evidence", "hint", "'hint'", "'hint', 'member'")
