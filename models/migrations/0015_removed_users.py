"""When a user removed the own account."""

from models.schema import run_script


def up(migrator, db):
    run_script('ALTER TABLE "user_account" ADD COLUMN "removed_at" TIMESTAMP;\n')
