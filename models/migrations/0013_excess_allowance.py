"""Allowances of two people to pay somebody more than is owed."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)


TABLE = """
CREATE TABLE "excess_allowance" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "due_id" INTEGER NOT NULL,
  "beside_id" INTEGER NOT NULL,
  "creditor_name" TEXT NOT NULL,
  "creditor_iban" TEXT NOT NULL,
  "remittance" TEXT NOT NULL,
  "amount_cents" BIGINT NOT NULL,
  "reason" TEXT NOT NULL,
  "asked_by_id" INTEGER NOT NULL,
  "asked_at" TIMESTAMP NOT NULL,
  "allowed_by_id" INTEGER,
  "allowed_at" TIMESTAMP,
  "batch_id" INTEGER,
  "withdrawn_by_id" INTEGER,
  "withdrawn_at" TIMESTAMP,
  "withdrawn_reason" TEXT,
  CHECK (amount_cents > 0),
  CHECK (length(reason) between 1 and 200),
  CHECK (allowed_by_id <> asked_by_id),
  CHECK ((allowed_by_id is null) = (allowed_at is null)),
  CHECK ((allowed_by_id is null) = (batch_id is null)),
  CHECK ((withdrawn_at is null) = (withdrawn_reason is null)),
  CHECK (withdrawn_by_id is null or withdrawn_at is not null),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("due_id") REFERENCES "due" ("id"),
  FOREIGN KEY ("beside_id") REFERENCES "order_line" ("id"),
  FOREIGN KEY ("asked_by_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("allowed_by_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("withdrawn_by_id") REFERENCES "user_account" ("id")
);
CREATE INDEX "excess_allowance_client_id" ON "excess_allowance" ("client_id");
CREATE INDEX "excess_allowance_due_id" ON "excess_allowance" ("due_id");
CREATE INDEX "excess_allowance_beside_id" ON "excess_allowance" ("beside_id");
CREATE INDEX "excess_allowance_asked_by_id" ON "excess_allowance" ("asked_by_id");
CREATE INDEX "excess_allowance_allowed_by_id" ON "excess_allowance" ("allowed_by_id");
CREATE UNIQUE INDEX "excess_allowance_batch_id" ON "excess_allowance" ("batch_id");
CREATE INDEX "excess_allowance_withdrawn_by_id" ON "excess_allowance" ("withdrawn_by_id");
CREATE UNIQUE INDEX "one_waiting_excess" ON "excess_allowance" ("beside_id")
  WHERE allowed_at is null and withdrawn_at is null;
"""
