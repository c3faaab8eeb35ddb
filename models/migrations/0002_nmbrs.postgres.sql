CREATE TABLE "nmbrs_debtor" ("id" SERIAL NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "nmbrs_id" TEXT NOT NULL,
  "number" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "webhook" TEXT NOT NULL,
  "webhook_id" TEXT,
  "webhook_problem" TEXT,
  "webhook_checked_at" TIMESTAMP,
  "webhook_due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id") ON DELETE CASCADE,
  CHECK (webhook in ('off', 'installed', 'not_allowed', 'failed')));

ALTER TABLE "nmbrs_connection" ADD COLUMN "interface" TEXT NOT NULL DEFAULT 'soap' CHECK (interface in ('soap', 'rest'));

ALTER TABLE "nmbrs_connection" ADD COLUMN "tokens_sealed" TEXT;

ALTER TABLE "nmbrs_connection" ADD COLUMN "lease_until" TIMESTAMP;

ALTER TABLE "nmbrs_connection" ADD COLUMN "asked_at" TIMESTAMP;

ALTER TABLE "nmbrs_connection" ADD COLUMN "disturbed_at" TIMESTAMP;

ALTER TABLE "nmbrs_connection" ADD COLUMN "checks_due_at" TIMESTAMP;

ALTER TABLE "nmbrs_connection" ADD COLUMN "webhooks_wanted_at" TIMESTAMP;

ALTER TABLE "nmbrs_connection" ADD COLUMN "removed_at" TIMESTAMP;

ALTER TABLE "nmbrs_connection" ADD COLUMN "title" TEXT;

ALTER TABLE "payroll_company" ADD COLUMN "key" TEXT NOT NULL DEFAULT '';

ALTER TABLE "payroll_company" ADD COLUMN "guid" TEXT;

ALTER TABLE "payroll_company" ADD COLUMN "debtor_id" INTEGER REFERENCES "nmbrs_debtor" ("id");

ALTER TABLE "payroll_company" ADD COLUMN "hinted_at" TIMESTAMP;

ALTER TABLE "payroll_company" ADD COLUMN "hinted_by_id" INTEGER;

ALTER TABLE "payroll_company" ADD COLUMN "wage_tax_from" TIMESTAMP;

ALTER TABLE "run" ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'salary' CHECK (kind in ('salary', 'wage_tax'));

ALTER TABLE "run" ADD COLUMN "period_start" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "run" ADD COLUMN "period_end" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "run" ADD COLUMN "version" TEXT;

ALTER TABLE "run" ADD COLUMN "missing_since" TIMESTAMP;

ALTER TABLE "run" ADD COLUMN "picked_at" TIMESTAMP;

ALTER TABLE "run" ADD COLUMN "delivery_id" INTEGER;

ALTER TABLE "run" ADD COLUMN "overpaid" TEXT;

ALTER TABLE "run" ADD COLUMN "wage_tax_reference" TEXT;

ALTER TABLE "batch" ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'salary' CHECK (kind in ('salary', 'wage_tax'));

ALTER TABLE "batch" ADD COLUMN "period_start" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "batch" ADD COLUMN "period_end" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "batch" ADD COLUMN "difference" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "batch" ADD COLUMN "picked" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "batch" ADD COLUMN "missing_count" INTEGER;

ALTER TABLE "batch" ADD COLUMN "missing_names" TEXT;

ALTER TABLE "batch_line" ADD COLUMN "paid_cents" BIGINT;

UPDATE "payroll_company" SET "key" = "nmbrs_id";

ALTER TABLE "run" DROP CONSTRAINT "run_state_check";

ALTER TABLE "run" ADD CONSTRAINT "run_state_check" CHECK (state in ('found', 'retrying', 'taken', 'empty', 'refused', 'older', 'unmapped', 'vanished'));

DROP INDEX "run_company_id_year_number";

CREATE UNIQUE INDEX "run_company_id_kind_year_number" ON "run" ("company_id",
  "kind",
  "year",
  "number");

UPDATE "run" SET "version" = (SELECT "batch"."version" FROM "batch" WHERE "batch"."run_id" = "run"."id");

DROP INDEX "batch_client_id_nmbrs_company_year_run_number_version";

CREATE UNIQUE INDEX "batch_client_id_nmbrs_company_kind_year_run_number_version" ON "batch" ("client_id",
  "nmbrs_company",
  "kind",
  "year",
  "run_number",
  "version");

CREATE INDEX "payroll_company_debtor_id" ON "payroll_company" ("debtor_id");

CREATE UNIQUE INDEX "payroll_company_client_id_key" ON "payroll_company" ("client_id",
  "key");

CREATE TABLE "nmbrs_check" ("id" SERIAL NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "call" TEXT NOT NULL,
  "needed" BOOLEAN NOT NULL,
  "result" TEXT NOT NULL,
  "code" TEXT,
  "at" TIMESTAMP,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id") ON DELETE CASCADE,
  CHECK (result in ('waiting', 'ok', 'refused', 'unknown', 'trouble')));

CREATE TABLE "nmbrs_consent" ("id" SERIAL NOT NULL PRIMARY KEY,
  "state_hash" TEXT NOT NULL,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "connection_id" INTEGER,
  "verifier_sealed" TEXT NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id"));

CREATE TABLE "nmbrs_exchange" ("id" SERIAL NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "company_id" INTEGER,
  "run_id" INTEGER,
  "at" TIMESTAMP NOT NULL,
  "call" TEXT NOT NULL,
  "asked" TEXT NOT NULL,
  "outcome" TEXT NOT NULL,
  "answer" TEXT NOT NULL,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  FOREIGN KEY ("run_id") REFERENCES "run" ("id"));

CREATE TABLE "warning_opened" ("id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "about" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"));

CREATE INDEX "nmbrs_debtor_connection_id" ON "nmbrs_debtor" ("connection_id");

CREATE INDEX "nmbrs_debtor_webhook_due_at" ON "nmbrs_debtor" ("webhook_due_at");

CREATE UNIQUE INDEX "nmbrs_debtor_connection_id_nmbrs_id" ON "nmbrs_debtor" ("connection_id",
  "nmbrs_id");

CREATE INDEX "nmbrs_check_connection_id" ON "nmbrs_check" ("connection_id");

CREATE UNIQUE INDEX "nmbrs_check_connection_id_call" ON "nmbrs_check" ("connection_id",
  "call");

CREATE UNIQUE INDEX "nmbrs_consent_state_hash" ON "nmbrs_consent" ("state_hash");

CREATE INDEX "nmbrs_consent_client_id" ON "nmbrs_consent" ("client_id");

CREATE INDEX "nmbrs_consent_user_id" ON "nmbrs_consent" ("user_id");

CREATE INDEX "nmbrs_consent_connection_id" ON "nmbrs_consent" ("connection_id");

CREATE INDEX "nmbrs_exchange_connection_id" ON "nmbrs_exchange" ("connection_id");

CREATE INDEX "nmbrs_exchange_company_id" ON "nmbrs_exchange" ("company_id");

CREATE INDEX "nmbrs_exchange_run_id" ON "nmbrs_exchange" ("run_id");

CREATE INDEX "nmbrs_exchange_at" ON "nmbrs_exchange" ("at");

CREATE INDEX "warning_opened_batch_id" ON "warning_opened" ("batch_id");

CREATE INDEX "warning_opened_user_id" ON "warning_opened" ("user_id");

CREATE UNIQUE INDEX "warning_opened_batch_id_kind_about" ON "warning_opened" ("batch_id",
  "kind",
  "about");
