"""When the details of people in a run were removed."""

from models.schema import run_script


def up(migrator, db):
    run_script('ALTER TABLE "payroll_run" ADD COLUMN "redacted_at" TIMESTAMP;\n')
