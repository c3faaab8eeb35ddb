"""Whose pay each line of a payment is, and where the page shows it."""

from models.schema import run_script


def up(migrator, db):
    run_script(
        """
        ALTER TABLE "batch_line" ADD COLUMN "person_group" INTEGER;
        ALTER TABLE "batch_line" ADD COLUMN "place" INTEGER;
        ALTER TABLE "batch_line" ADD COLUMN "paid_for" TEXT;
        """
    )
