"""The register of rows. `flask migrate` states in it the rows that are there."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLES)


TABLES = """
CREATE TABLE "row_statement" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "number" INTEGER NOT NULL,
  "stated_at" TIMESTAMP NOT NULL,
  "changes" TEXT NOT NULL,
  "previous" TEXT NOT NULL,
  "hash" TEXT NOT NULL
);
CREATE UNIQUE INDEX "row_statement_number" ON "row_statement" ("number");
CREATE TABLE "row_register" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "number" INTEGER NOT NULL,
  "head" TEXT,
  "last_hash" TEXT NOT NULL,
  "checked_at" TIMESTAMP,
  "fault_count" INTEGER
);
"""
