"""Operators, who sign in on the command line with a token of their own."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)


TABLE = """
CREATE TABLE "operator" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "name" TEXT NOT NULL,
  "token_hash" TEXT NOT NULL,
  "added_by" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "ended_at" TIMESTAMP
);
CREATE UNIQUE INDEX "operator_name" ON "operator" ("name");
CREATE UNIQUE INDEX "operator_token_hash" ON "operator" ("token_hash");
"""
