"""What the conclusion about an order uses of its bank's configuration, as it was when the order was made."""

from models.schema import run_script


def up(migrator, db):
    run_script(COLUMNS)


COLUMNS = """
ALTER TABLE "bank_order" ADD COLUMN "retry_days" INTEGER;
ALTER TABLE "bank_order" ADD COLUMN "signing" TEXT;
"""
