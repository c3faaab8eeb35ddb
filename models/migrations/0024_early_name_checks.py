"""What a name-check service said of accounts and names before a payment."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLES)


TABLES = """
CREATE TABLE "early_name_check" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "iban" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "result" TEXT NOT NULL,
  "holder" TEXT,
  "service" TEXT NOT NULL,
  "checked_at" TIMESTAMP NOT NULL,
  CHECK (result in ('MTCH', 'NMTC', 'CMTC', 'NOAP')),
  CHECK (holder is null or result = 'CMTC'),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE
);
CREATE INDEX "early_name_check_client_id" ON "early_name_check" ("client_id");
CREATE INDEX "early_name_check_checked_at" ON "early_name_check" ("checked_at");
CREATE INDEX "early_name_check_client_id_iban_name" ON "early_name_check" ("client_id", "iban", "name");
CREATE TABLE "name_check_task" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id")
);
CREATE UNIQUE INDEX "name_check_task_batch_id" ON "name_check_task" ("batch_id");
CREATE INDEX "name_check_task_due_at" ON "name_check_task" ("due_at");
"""
