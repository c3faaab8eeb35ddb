"""Lines of a payroll file that cannot be paid, structured references, and the notifications about runs and consents."""

from models.dialect import allow_more_values
from models.schema import run_script


def up(migrator, db):
    run_script(TABLES)
    allow_more_values("notification", "consent", "'consent'", "'consent', 'consent_ended', 'held', 'run_refused'")


TABLES = """
CREATE TABLE "held_line" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "run_id" INTEGER NOT NULL,
  "version" TEXT NOT NULL,
  "due_id" INTEGER,
  "number" INTEGER NOT NULL,
  "reason" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "iban" TEXT NOT NULL,
  "description" TEXT NOT NULL,
  "amount_cents" BIGINT,
  "currency" TEXT NOT NULL,
  "open_cents" BIGINT,
  FOREIGN KEY ("run_id") REFERENCES "run" ("id"),
  FOREIGN KEY ("due_id") REFERENCES "due" ("id")
);
CREATE INDEX "held_line_run_id" ON "held_line" ("run_id");
CREATE INDEX "held_line_due_id" ON "held_line" ("due_id");
CREATE UNIQUE INDEX "held_line_run_id_version_number" ON "held_line" ("run_id", "version", "number");
ALTER TABLE "run" ADD COLUMN "held_count" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "run" ADD COLUMN "cautions" TEXT;
ALTER TABLE "batch_line" ADD COLUMN "reference_type" TEXT;
ALTER TABLE "batch_line" ADD COLUMN "reference_issuer" TEXT;
ALTER TABLE "notification" ADD COLUMN "line" INTEGER;
"""
