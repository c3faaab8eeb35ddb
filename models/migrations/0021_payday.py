"""The payday of a company, and the notifications about it. The event of an allowance was missing from the list."""

from models.dialect import allow_more_values
from models.schema import run_script


def up(migrator, db):
    allow_more_values("push_notification", "waits", "'waits'", "'waits', 'excess', 'payday', 'run_late'")
    run_script(COLUMNS)


COLUMNS = """
ALTER TABLE "payroll_company" ADD COLUMN "payday" TEXT
  CHECK (substr(payday, 1, 4) in ('none', 'last', 'day:', 'week'));
ALTER TABLE "payroll_company" ADD COLUMN "payday_checked_on" DATE;
"""
