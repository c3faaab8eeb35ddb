"""By how much the total of a payment may differ from the one before, to be approved from the overview."""

from models.schema import run_script


def up(migrator, db):
    run_script('ALTER TABLE "client" ADD COLUMN "usual_span_percent" INTEGER;')
