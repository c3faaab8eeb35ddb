"""Who confirmed that an order is paid although the bank knows payees by other names; notifications to second persons."""

from models.dialect import allow_more_values
from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)
    allow_more_values("push_notification", "asked", "'asked'", "'asked', 'names_asked', 'attest_asked'")


TABLE = """
CREATE TABLE "name_confirmation" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "digest" TEXT NOT NULL,
  "authentication_method" TEXT NOT NULL,
  "ip" TEXT NOT NULL,
  "confirmed_at" TIMESTAMP NOT NULL,
  CHECK (authentication_method in ('session', 'pin', 'passkey')),
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id")
);
CREATE INDEX "name_confirmation_order_id" ON "name_confirmation" ("order_id");
CREATE INDEX "name_confirmation_user_id" ON "name_confirmation" ("user_id");
CREATE UNIQUE INDEX "name_confirmation_order_id_user_id_digest" ON "name_confirmation" ("order_id", "user_id", "digest");
"""
