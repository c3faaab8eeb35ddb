ALTER TABLE "bank_link" ADD COLUMN "bank_name" TEXT NOT NULL DEFAULT '';

ALTER TABLE "bank_link" ADD COLUMN "consent_status" TEXT;

ALTER TABLE "bank_link" ADD COLUMN "asked_at" TIMESTAMP;

ALTER TABLE "bank_link" ADD COLUMN "looked_at" TIMESTAMP;

ALTER TABLE "bank_link" ADD COLUMN "due_at" TIMESTAMP;

ALTER TABLE "bank_link" ADD COLUMN "lease_until" TIMESTAMP;

ALTER TABLE "bank_account" ADD COLUMN "holder_check" TEXT CHECK (holder_check in ('agrees', 'yes', 'no'));

ALTER TABLE "bank_account" ADD COLUMN "holder_checked_at" TIMESTAMP;

ALTER TABLE "bank_account" ADD COLUMN "transactions_at" TIMESTAMP;

ALTER TABLE "bank_account" ADD COLUMN "transactions_asked_at" TIMESTAMP;

CREATE TABLE "bank_access" ("id" SERIAL NOT NULL PRIMARY KEY,
  "link_id" INTEGER NOT NULL,
  "day" DATE NOT NULL,
  "what" TEXT NOT NULL,
  "times" INTEGER NOT NULL,
  FOREIGN KEY ("link_id") REFERENCES "bank_link" ("id"),
  CHECK (times between 1 and 4));

CREATE TABLE "bank_transaction" ("id" SERIAL NOT NULL PRIMARY KEY,
  "account_id" INTEGER NOT NULL,
  "bank_key" TEXT NOT NULL,
  "booked_on" DATE NOT NULL,
  "value_on" DATE,
  "cents" BIGINT NOT NULL,
  "party_name" TEXT NOT NULL,
  "party_iban" TEXT NOT NULL,
  "text" TEXT NOT NULL,
  "end_to_end_id" TEXT NOT NULL,
  "batch_count" INTEGER,
  "is_batch" BOOLEAN NOT NULL,
  "order_id" INTEGER,
  "line_id" INTEGER,
  "role" TEXT,
  "seen_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("account_id") REFERENCES "bank_account" ("id"),
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  FOREIGN KEY ("line_id") REFERENCES "batch_line" ("id"),
  CHECK (role in ('lump', 'line', 'return')),
  CHECK ((order_id is null) = (role is null)),
  CHECK ((line_id is null) = (role is null or role = 'lump')));

UPDATE "bank_link" SET "due_at" = (now() at time zone 'utc') WHERE "status" = 'valid';

UPDATE "bank_link" SET "consent_status" = 'valid' WHERE "status" = 'valid';

CREATE INDEX "bank_link_due_at" ON "bank_link" ("due_at");

CREATE INDEX "bank_access_link_id" ON "bank_access" ("link_id");

CREATE UNIQUE INDEX "bank_access_link_id_day_what" ON "bank_access" ("link_id",
  "day",
  "what");

CREATE INDEX "bank_transaction_account_id" ON "bank_transaction" ("account_id");

CREATE INDEX "bank_transaction_order_id" ON "bank_transaction" ("order_id");

CREATE INDEX "bank_transaction_line_id" ON "bank_transaction" ("line_id");

CREATE UNIQUE INDEX "bank_transaction_line_id_role" ON "bank_transaction" ("line_id",
  "role");

CREATE UNIQUE INDEX "one_lump_of_an_order" ON "bank_transaction" ("order_id") WHERE (role = 'lump');

CREATE UNIQUE INDEX "bank_transaction_account_id_bank_key" ON "bank_transaction" ("account_id",
  "bank_key");

CREATE INDEX "bank_transaction_account_id_booked_on" ON "bank_transaction" ("account_id",
  "booked_on");
