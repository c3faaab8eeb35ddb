"""What an approver was shown as changed since the payments before."""

from models.schema import run_script


def up(migrator, db):
    run_script(COLUMNS)


COLUMNS = """
ALTER TABLE "release" ADD COLUMN "changes" TEXT;
ALTER TABLE "approval" ADD COLUMN "changes" TEXT;
"""
