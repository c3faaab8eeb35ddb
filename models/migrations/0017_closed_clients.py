"""Clients that were closed, or are about to be."""

from models.schema import run_script


def up(migrator, db):
    run_script(COLUMNS)


COLUMNS = """
ALTER TABLE "client" ADD COLUMN "state" TEXT NOT NULL DEFAULT 'open' CHECK (state in ('open', 'closing', 'closed'));
ALTER TABLE "client" ADD COLUMN "ends_at" TIMESTAMP CHECK ((ends_at is null) = (state = 'open'));
"""
