"""New e-mail addresses that wait for their confirmation."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)


TABLE = """
CREATE TABLE "email_change" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "email" TEXT NOT NULL,
  "confirm_hash" TEXT NOT NULL,
  "stop_hash" TEXT NOT NULL,
  "asked_at" TIMESTAMP NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  CHECK (email = lower(email)),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "email_change_user_id" ON "email_change" ("user_id");
CREATE UNIQUE INDEX "email_change_confirm_hash" ON "email_change" ("confirm_hash");
CREATE UNIQUE INDEX "email_change_stop_hash" ON "email_change" ("stop_hash");
"""
