CREATE TABLE "nmbrs_debtor" ("id" INTEGER NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "nmbrs_id" TEXT NOT NULL,
  "number" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "webhook" TEXT NOT NULL,
  "webhook_id" TEXT,
  "webhook_problem" TEXT,
  "webhook_checked_at" DATETIME,
  "webhook_due_at" DATETIME,
  "lease_until" DATETIME,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id") ON DELETE CASCADE,
  CHECK (webhook in ('off', 'installed', 'not_allowed', 'failed')));

ALTER TABLE "nmbrs_connection" ADD COLUMN "interface" TEXT NOT NULL DEFAULT 'soap' CHECK (interface in ('soap', 'rest'));

ALTER TABLE "nmbrs_connection" ADD COLUMN "tokens_sealed" TEXT;

ALTER TABLE "nmbrs_connection" ADD COLUMN "lease_until" DATETIME;

ALTER TABLE "nmbrs_connection" ADD COLUMN "asked_at" DATETIME;

ALTER TABLE "nmbrs_connection" ADD COLUMN "disturbed_at" DATETIME;

ALTER TABLE "nmbrs_connection" ADD COLUMN "checks_due_at" DATETIME;

ALTER TABLE "nmbrs_connection" ADD COLUMN "webhooks_wanted_at" DATETIME;

ALTER TABLE "nmbrs_connection" ADD COLUMN "removed_at" DATETIME;

ALTER TABLE "nmbrs_connection" ADD COLUMN "title" TEXT;

ALTER TABLE "payroll_company" ADD COLUMN "key" TEXT NOT NULL DEFAULT '';

ALTER TABLE "payroll_company" ADD COLUMN "guid" TEXT;

ALTER TABLE "payroll_company" ADD COLUMN "debtor_id" INTEGER REFERENCES "nmbrs_debtor" ("id");

ALTER TABLE "payroll_company" ADD COLUMN "hinted_at" DATETIME;

ALTER TABLE "payroll_company" ADD COLUMN "hinted_by_id" INTEGER;

ALTER TABLE "payroll_company" ADD COLUMN "wage_tax_from" DATETIME;

ALTER TABLE "batch" ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'salary' CHECK (kind in ('salary', 'wage_tax'));

ALTER TABLE "batch" ADD COLUMN "period_start" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "batch" ADD COLUMN "period_end" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "batch" ADD COLUMN "difference" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "batch" ADD COLUMN "picked" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "batch" ADD COLUMN "missing_count" INTEGER;

ALTER TABLE "batch" ADD COLUMN "missing_names" TEXT;

ALTER TABLE "batch_line" ADD COLUMN "paid_cents" INTEGER;

UPDATE "payroll_company" SET "key" = "nmbrs_id";

CREATE TABLE "run_new" ("id" INTEGER NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "company_id" INTEGER NOT NULL,
  "nmbrs_id" TEXT NOT NULL,
  "number" INTEGER NOT NULL,
  "year" INTEGER NOT NULL,
  "description" TEXT NOT NULL,
  "run_at" DATETIME,
  "locked" INTEGER NOT NULL,
  "state" TEXT NOT NULL,
  "reason" TEXT,
  "reason_line" INTEGER,
  "line_count" INTEGER,
  "attempts" INTEGER NOT NULL,
  "due_at" DATETIME,
  "lease_until" DATETIME,
  "found_at" DATETIME NOT NULL,
  "changed_at" DATETIME NOT NULL,
  "kind" TEXT NOT NULL,
  "period_start" INTEGER NOT NULL,
  "period_end" INTEGER NOT NULL,
  "version" TEXT,
  "missing_since" DATETIME,
  "picked_at" DATETIME,
  "delivery_id" INTEGER,
  "overpaid" TEXT,
  "wage_tax_reference" TEXT,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  CHECK (state in ('found', 'retrying', 'taken', 'empty', 'refused', 'older', 'unmapped', 'vanished')),
  CHECK (kind in ('salary', 'wage_tax')));

INSERT INTO "run_new" ("id", "client_id", "company_id", "nmbrs_id", "number", "year", "description", "run_at", "locked", "state", "reason", "reason_line", "line_count", "attempts", "due_at", "lease_until", "found_at", "changed_at", "kind", "period_start", "period_end")
  SELECT "id", "client_id", "company_id", "nmbrs_id", "number", "year", "description", "run_at", "locked", "state", "reason", "reason_line", "line_count", "attempts", "due_at", "lease_until", "found_at", "changed_at", 'salary', 0, 0 FROM "run";

DROP TABLE "run";

ALTER TABLE "run_new" RENAME TO "run";

CREATE INDEX "run_client_id" ON "run" ("client_id");

CREATE INDEX "run_company_id" ON "run" ("company_id");

CREATE INDEX "run_due_at" ON "run" ("due_at");

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

CREATE TABLE "nmbrs_check" ("id" INTEGER NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "call" TEXT NOT NULL,
  "needed" INTEGER NOT NULL,
  "result" TEXT NOT NULL,
  "code" TEXT,
  "at" DATETIME,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id") ON DELETE CASCADE,
  CHECK (result in ('waiting', 'ok', 'refused', 'unknown', 'trouble')));

CREATE TABLE "nmbrs_consent" ("id" INTEGER NOT NULL PRIMARY KEY,
  "state_hash" TEXT NOT NULL,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "connection_id" INTEGER,
  "verifier_sealed" TEXT NOT NULL,
  "expires_at" DATETIME NOT NULL,
  "used_at" DATETIME,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id"));

CREATE TABLE "nmbrs_exchange" ("id" INTEGER NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "company_id" INTEGER,
  "run_id" INTEGER,
  "at" DATETIME NOT NULL,
  "call" TEXT NOT NULL,
  "asked" TEXT NOT NULL,
  "outcome" TEXT NOT NULL,
  "answer" TEXT NOT NULL,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  FOREIGN KEY ("run_id") REFERENCES "run" ("id"));

CREATE TABLE "warning_opened" ("id" INTEGER NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "about" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" DATETIME NOT NULL,
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
