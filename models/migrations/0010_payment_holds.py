"""Holds on payments, and orders that a restored database does not know."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLES)


TABLES = """
CREATE TABLE "payment_hold" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "cause" TEXT NOT NULL,
  "client_id" INTEGER,
  "bank" TEXT,
  "reason" TEXT NOT NULL,
  "placed_by" TEXT NOT NULL,
  "placed_at" TIMESTAMP NOT NULL,
  "known_until" TIMESTAMP,
  "first_lifted_by" TEXT,
  "lifted_at" TIMESTAMP,
  "lifted_by" TEXT,
  "lift_reason" TEXT,
  CHECK (cause in ('operator', 'restore')),
  CHECK (client_id is null or bank is null),
  CHECK ((lifted_at is null) = (lifted_by is null)),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id")
);
CREATE INDEX "payment_hold_client_id" ON "payment_hold" ("client_id");
CREATE TABLE "lost_order" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "msg_id" TEXT NOT NULL,
  "source" TEXT NOT NULL,
  "sent_at" TIMESTAMP NOT NULL,
  "batch_id" INTEGER,
  "order_id" INTEGER,
  "first_ruled_out_by" TEXT,
  "ruled_out_at" TIMESTAMP,
  CHECK (source in ('mark', 'booking')),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id")
);
CREATE INDEX "lost_order_client_id" ON "lost_order" ("client_id");
CREATE UNIQUE INDEX "lost_order_client_id_msg_id" ON "lost_order" ("client_id", "msg_id");
CREATE INDEX "lost_order_batch_id" ON "lost_order" ("batch_id");
CREATE INDEX "lost_order_order_id" ON "lost_order" ("order_id");
"""
