CREATE TABLE "client" ("id" SERIAL NOT NULL PRIMARY KEY,
  "public_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "kvk_number" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "lease_until" TIMESTAMP,
  "lease_by" TEXT,
  CHECK (length(kvk_number) = 8));

CREATE UNIQUE INDEX "client_public_id" ON "client" ("public_id");

CREATE TABLE "audit_event" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "number" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  "actor" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "details" TEXT NOT NULL,
  "previous" TEXT NOT NULL,
  "hash" TEXT NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"));

CREATE INDEX "audit_event_client_id" ON "audit_event" ("client_id");

CREATE UNIQUE INDEX "audit_event_client_id_number" ON "audit_event" ("client_id",
  "number");

CREATE TABLE "user_account" ("id" SERIAL NOT NULL PRIMARY KEY,
  "email" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "password_hash" TEXT NOT NULL,
  "email_confirmed_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  CHECK (email = lower(email)));

CREATE UNIQUE INDEX "user_account_email" ON "user_account" ("email");

CREATE TABLE "authority" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "answer" TEXT NOT NULL,
  "reason" TEXT NOT NULL,
  "asked_at" TIMESTAMP NOT NULL,
  "decided_by" TEXT,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (answer in ('yes', 'no', 'not_established')));

CREATE INDEX "authority_client_id" ON "authority" ("client_id");

CREATE INDEX "authority_user_id" ON "authority" ("user_id");

CREATE TABLE "bank_link" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "bank" TEXT NOT NULL,
  "consent_id" TEXT,
  "status" TEXT NOT NULL,
  "state_hash" TEXT NOT NULL,
  "returned_at" TIMESTAMP,
  "redirect_sealed" TEXT,
  "next_page" TEXT,
  "valid_until" DATE,
  "holder_name" TEXT,
  "holder_confirmed_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (status in ('started', 'valid', 'refused', 'ended')));

CREATE INDEX "bank_link_client_id" ON "bank_link" ("client_id");

CREATE INDEX "bank_link_user_id" ON "bank_link" ("user_id");

CREATE UNIQUE INDEX "bank_link_state_hash" ON "bank_link" ("state_hash");

CREATE TABLE "bank_account" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "link_id" INTEGER NOT NULL,
  "bank" TEXT NOT NULL,
  "iban" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "holder_name" TEXT NOT NULL,
  "resource_id" TEXT NOT NULL,
  "balance_cents" BIGINT,
  "balance_at" TIMESTAMP,
  "limit_payment_cents" BIGINT NOT NULL,
  "limit_day_cents" BIGINT NOT NULL,
  "releases" BIGINT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("link_id") REFERENCES "bank_link" ("id"),
  CHECK (limit_payment_cents >= 0),
  CHECK (limit_day_cents >= 0));

CREATE INDEX "bank_account_client_id" ON "bank_account" ("client_id");

CREATE INDEX "bank_account_link_id" ON "bank_account" ("link_id");

CREATE UNIQUE INDEX "bank_account_client_id_iban" ON "bank_account" ("client_id",
  "iban");

CREATE TABLE "nmbrs_connection" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "email" TEXT NOT NULL,
  "token_sealed" TEXT NOT NULL,
  "environment" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  "problem" TEXT,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  CHECK (status in ('active', 'disturbed')));

CREATE INDEX "nmbrs_connection_client_id" ON "nmbrs_connection" ("client_id");

CREATE UNIQUE INDEX "nmbrs_connection_client_id_email_environment" ON "nmbrs_connection" ("client_id",
  "email",
  "environment");

CREATE TABLE "payroll_company" ("id" SERIAL NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "nmbrs_id" TEXT NOT NULL,
  "number" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "kvk_number" TEXT,
  "bank_account_id" INTEGER,
  "mapped_at" TIMESTAMP,
  "looked_at" TIMESTAMP,
  "look_due_at" TIMESTAMP,
  "look_attempts" INTEGER NOT NULL,
  "lease_until" TIMESTAMP,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id"),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("bank_account_id") REFERENCES "bank_account" ("id"),
  CHECK ((bank_account_id is null) = (mapped_at is null)));

CREATE INDEX "payroll_company_connection_id" ON "payroll_company" ("connection_id");

CREATE INDEX "payroll_company_client_id" ON "payroll_company" ("client_id");

CREATE INDEX "payroll_company_bank_account_id" ON "payroll_company" ("bank_account_id");

CREATE INDEX "payroll_company_look_due_at" ON "payroll_company" ("look_due_at");

CREATE UNIQUE INDEX "payroll_company_client_id_nmbrs_id" ON "payroll_company" ("client_id",
  "nmbrs_id");

CREATE TABLE "run" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "company_id" INTEGER NOT NULL,
  "nmbrs_id" TEXT NOT NULL,
  "number" INTEGER NOT NULL,
  "year" INTEGER NOT NULL,
  "description" TEXT NOT NULL,
  "run_at" TIMESTAMP,
  "locked" BOOLEAN NOT NULL,
  "state" TEXT NOT NULL,
  "reason" TEXT,
  "reason_line" INTEGER,
  "line_count" INTEGER,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  "found_at" TIMESTAMP NOT NULL,
  "changed_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  CHECK (state in ('found', 'retrying', 'taken', 'empty', 'refused', 'older')));

CREATE INDEX "run_client_id" ON "run" ("client_id");

CREATE INDEX "run_company_id" ON "run" ("company_id");

CREATE INDEX "run_due_at" ON "run" ("due_at");

CREATE UNIQUE INDEX "run_company_id_year_number" ON "run" ("company_id",
  "year",
  "number");

CREATE TABLE "batch" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "run_id" INTEGER NOT NULL,
  "company_id" INTEGER NOT NULL,
  "nmbrs_company" TEXT NOT NULL,
  "year" INTEGER NOT NULL,
  "run_number" INTEGER NOT NULL,
  "version" TEXT NOT NULL,
  "reference" TEXT NOT NULL,
  "description" TEXT NOT NULL,
  "file_debtor_iban" TEXT,
  "bank_account_id" INTEGER NOT NULL,
  "execution_date" DATE,
  "total_cents" BIGINT NOT NULL,
  "line_count" INTEGER NOT NULL,
  "orders_made" INTEGER NOT NULL,
  "state" TEXT NOT NULL,
  "state_reason" TEXT,
  "state_at" TIMESTAMP NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("run_id") REFERENCES "run" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  FOREIGN KEY ("bank_account_id") REFERENCES "bank_account" ("id"),
  CHECK (state in ('open', 'approved', 'sending', 'name_check', 'at_bank', 'signed', 'executed', 'partly_executed', 'rejected', 'failed', 'cancelled', 'discarded', 'replaced')),
  CHECK (total_cents > 0),
  CHECK (line_count > 0));

CREATE INDEX "batch_client_id" ON "batch" ("client_id");

CREATE INDEX "batch_run_id" ON "batch" ("run_id");

CREATE INDEX "batch_company_id" ON "batch" ("company_id");

CREATE UNIQUE INDEX "batch_reference" ON "batch" ("reference");

CREATE INDEX "batch_bank_account_id" ON "batch" ("bank_account_id");

CREATE UNIQUE INDEX "batch_client_id_nmbrs_company_year_run_number_version" ON "batch" ("client_id",
  "nmbrs_company",
  "year",
  "run_number",
  "version");

CREATE INDEX "batch_client_id_state" ON "batch" ("client_id",
  "state");

CREATE TABLE "release" ("id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "digest" TEXT NOT NULL,
  "debtor_iban" TEXT NOT NULL,
  "execution_date" DATE NOT NULL,
  "total_cents" BIGINT NOT NULL,
  "line_count" INTEGER NOT NULL,
  "proof" TEXT NOT NULL,
  "ip" TEXT NOT NULL,
  "released_at" TIMESTAMP NOT NULL,
  "voided_at" TIMESTAMP,
  "void_reason" TEXT,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (proof in ('session', 'pin', 'passkey')),
  CHECK ((voided_at is null) = (void_reason is null)));

CREATE INDEX "release_batch_id" ON "release" ("batch_id");

CREATE INDEX "release_user_id" ON "release" ("user_id");

CREATE UNIQUE INDEX "one_release_of_a_digest" ON "release" ("batch_id",
  "digest") WHERE voided_at is null;

CREATE TABLE "bank_order" ("id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "release_id" INTEGER NOT NULL,
  "bank_account_id" INTEGER NOT NULL,
  "msg_id" TEXT NOT NULL,
  "request_id" TEXT NOT NULL,
  "body_sealed" TEXT NOT NULL,
  "body_sha256" TEXT NOT NULL,
  "total_cents" BIGINT NOT NULL,
  "line_count" INTEGER NOT NULL,
  "execution_date" DATE NOT NULL,
  "state" TEXT NOT NULL,
  "called_at" TIMESTAMP,
  "payment_id" TEXT,
  "raw_status" TEXT,
  "authorisation_id" TEXT,
  "links_sealed" TEXT,
  "return_hash" TEXT NOT NULL,
  "returned_at" TIMESTAMP,
  "asked_at" TIMESTAMP,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("release_id") REFERENCES "release" ("id"),
  FOREIGN KEY ("bank_account_id") REFERENCES "bank_account" ("id"),
  CHECK (state in ('ready', 'sent', 'at_bank', 'signed', 'executed', 'ended')));

CREATE INDEX "bank_order_batch_id" ON "bank_order" ("batch_id");

CREATE UNIQUE INDEX "bank_order_release_id" ON "bank_order" ("release_id");

CREATE INDEX "bank_order_bank_account_id" ON "bank_order" ("bank_account_id");

CREATE UNIQUE INDEX "bank_order_msg_id" ON "bank_order" ("msg_id");

CREATE UNIQUE INDEX "bank_order_request_id" ON "bank_order" ("request_id");

CREATE UNIQUE INDEX "bank_order_return_hash" ON "bank_order" ("return_hash");

CREATE INDEX "bank_order_due_at" ON "bank_order" ("due_at");

CREATE UNIQUE INDEX "one_live_order" ON "bank_order" ("batch_id") WHERE state <> 'ended';

CREATE TABLE "bank_exchange" ("id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  "call" TEXT NOT NULL,
  "request_id" TEXT NOT NULL,
  "outcome" TEXT NOT NULL,
  "raw_status" TEXT,
  "final" BOOLEAN NOT NULL,
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"));

CREATE INDEX "bank_exchange_order_id" ON "bank_exchange" ("order_id");

CREATE TABLE "batch_line" ("id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "end_to_end_id" TEXT NOT NULL,
  "name_shown" TEXT NOT NULL,
  "name_sent" TEXT NOT NULL,
  "description_shown" TEXT NOT NULL,
  "description_sent" TEXT NOT NULL,
  "iban" TEXT NOT NULL,
  "amount_cents" BIGINT NOT NULL,
  "state" TEXT NOT NULL,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  CHECK (state in ('open', 'refused', 'void', 'sent', 'executed', 'rejected', 'returned')),
  CHECK (amount_cents > 0),
  CHECK (length(name_sent) between 1 and 70),
  CHECK (length(description_sent) between 1 and 140),
  CHECK (length(end_to_end_id) between 1 and 35));

CREATE INDEX "batch_line_batch_id" ON "batch_line" ("batch_id");

CREATE UNIQUE INDEX "batch_line_end_to_end_id" ON "batch_line" ("end_to_end_id");

CREATE UNIQUE INDEX "batch_line_batch_id_position" ON "batch_line" ("batch_id",
  "position");

CREATE TABLE "delivery" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "received_at" TIMESTAMP NOT NULL,
  "content_type" TEXT NOT NULL,
  "headers" TEXT NOT NULL,
  "body" BYTEA NOT NULL,
  "handled_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"));

CREATE INDEX "delivery_client_id" ON "delivery" ("client_id");

CREATE INDEX "delivery_handled_at" ON "delivery" ("handled_at");

CREATE INDEX "delivery_client_id_handled_at" ON "delivery" ("client_id",
  "handled_at");

CREATE TABLE "email_token" ("token_hash" TEXT NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "purpose" TEXT NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE);

CREATE INDEX "email_token_user_id" ON "email_token" ("user_id");

CREATE TABLE "identification" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "provider" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "person_sealed" TEXT NOT NULL,
  "level" TEXT,
  "authenticated_at" TIMESTAMP NOT NULL,
  "evidence" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"));

CREATE INDEX "identification_user_id" ON "identification" ("user_id");

CREATE TABLE "identity_attempt" ("state_hash" TEXT NOT NULL PRIMARY KEY,
  "session_hash" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "sealed" TEXT NOT NULL,
  "started_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"));

CREATE INDEX "identity_attempt_user_id" ON "identity_attempt" ("user_id");

CREATE INDEX "identity_attempt_client_id" ON "identity_attempt" ("client_id");

CREATE TABLE "login_session" ("token_hash" TEXT NOT NULL PRIMARY KEY,
  "user_id" INTEGER,
  "data" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "seen_at" TIMESTAMP NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE);

CREATE INDEX "login_session_user_id" ON "login_session" ("user_id");

CREATE INDEX "login_session_expires_at" ON "login_session" ("expires_at");

CREATE TABLE "membership" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "role" TEXT NOT NULL,
  "used_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  CHECK (role in ('owner', 'approver', 'preparer')));

CREATE INDEX "membership_user_id" ON "membership" ("user_id");

CREATE INDEX "membership_client_id" ON "membership" ("client_id");

CREATE UNIQUE INDEX "membership_user_id_client_id" ON "membership" ("user_id",
  "client_id");

CREATE TABLE "outgoing_mail" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "client_id" INTEGER,
  "kind" TEXT NOT NULL,
  "sealed" TEXT NOT NULL,
  "once" TEXT NOT NULL,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  "sent_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"));

CREATE INDEX "outgoing_mail_user_id" ON "outgoing_mail" ("user_id");

CREATE INDEX "outgoing_mail_client_id" ON "outgoing_mail" ("client_id");

CREATE UNIQUE INDEX "outgoing_mail_once" ON "outgoing_mail" ("once");

CREATE INDEX "outgoing_mail_due_at" ON "outgoing_mail" ("due_at");

CREATE TABLE "pin" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "pin_hash" TEXT NOT NULL,
  "failures" INTEGER NOT NULL,
  "locked_at" TIMESTAMP,
  "set_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (failures between 0 and 5),
  CHECK ((failures < 5) = (locked_at is null)));

CREATE UNIQUE INDEX "pin_user_id" ON "pin" ("user_id");

CREATE TABLE "webhook_key" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "key_hmac" TEXT NOT NULL,
  "key_sealed" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "expires_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"));

CREATE INDEX "webhook_key_client_id" ON "webhook_key" ("client_id");

CREATE UNIQUE INDEX "webhook_key_key_hmac" ON "webhook_key" ("key_hmac");
