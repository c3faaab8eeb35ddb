"""The keyed head of each client's audit log."""

from models.schema import run_script


def up(migrator, db):
    run_script('ALTER TABLE "client" ADD COLUMN "log_head" TEXT;\n')
