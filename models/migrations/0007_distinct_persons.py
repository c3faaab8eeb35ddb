"""Operators' decisions that two accounts, of which the identifications agree, belong to two persons."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)


TABLE = """
CREATE TABLE "distinct_persons" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "first_id" INTEGER NOT NULL,
  "second_id" INTEGER NOT NULL,
  "decided_by" TEXT NOT NULL,
  "decided_at" TIMESTAMP NOT NULL,
  CHECK (first_id < second_id),
  FOREIGN KEY ("first_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("second_id") REFERENCES "user_account" ("id") ON DELETE CASCADE
);
CREATE INDEX "distinct_persons_first_id" ON "distinct_persons" ("first_id");
CREATE INDEX "distinct_persons_second_id" ON "distinct_persons" ("second_id");
CREATE UNIQUE INDEX "distinct_persons_first_id_second_id" ON "distinct_persons" ("first_id", "second_id");
"""
