"""All tables of the first release, as SQL for both databases.

Later migrations build on this file, not on the models.
"""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLES)


TABLES = """
CREATE TABLE "client" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "public_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "kvk_number" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "batch_booking" BOOLEAN NOT NULL,
  "name_check" BOOLEAN NOT NULL,
  "four_eyes_cents" BIGINT,
  "lines_hidden" BOOLEAN NOT NULL,
  CHECK (length(kvk_number) = 8),
  CHECK (four_eyes_cents >= 0)
);
CREATE UNIQUE INDEX "client_public_id" ON "client" ("public_id");

CREATE TABLE "user_account" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "email" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "password_hash" TEXT NOT NULL,
  "email_confirmed_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  "reset_at" TIMESTAMP,
  "unheard" TEXT,
  "language" TEXT,
  CHECK (email = lower(email)),
  CHECK (language in ('nl', 'en'))
);
CREATE UNIQUE INDEX "user_account_email" ON "user_account" ("email");

CREATE TABLE "accepted_name" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "iban" TEXT NOT NULL,
  "name_given" TEXT NOT NULL,
  "name_at_bank" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id")
);
CREATE INDEX "accepted_name_client_id" ON "accepted_name" ("client_id");
CREATE INDEX "accepted_name_user_id" ON "accepted_name" ("user_id");
CREATE UNIQUE INDEX "accepted_name_client_id_iban" ON "accepted_name" ("client_id", "iban");

CREATE TABLE "nmbrs_connection" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "email" TEXT NOT NULL,
  "token_sealed" TEXT NOT NULL,
  "environment" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  "problem" TEXT,
  "created_at" TIMESTAMP NOT NULL,
  "interface" TEXT NOT NULL,
  "tokens_sealed" TEXT,
  "lease_until" TIMESTAMP,
  "asked_at" TIMESTAMP,
  "disturbed_at" TIMESTAMP,
  "checks_due_at" TIMESTAMP,
  "webhooks_wanted_at" TIMESTAMP,
  "removed_at" TIMESTAMP,
  "title" TEXT,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  CHECK (status in ('active', 'disturbed')),
  CHECK (interface in ('soap', 'rest'))
);
CREATE INDEX "nmbrs_connection_client_id" ON "nmbrs_connection" ("client_id");
CREATE UNIQUE INDEX "nmbrs_connection_client_id_email_environment" ON "nmbrs_connection" ("client_id", "email", "environment");

CREATE TABLE "nmbrs_debtor" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  CHECK (webhook in ('off', 'installed', 'not_allowed', 'failed'))
);
CREATE INDEX "nmbrs_debtor_connection_id" ON "nmbrs_debtor" ("connection_id");
CREATE INDEX "nmbrs_debtor_webhook_due_at" ON "nmbrs_debtor" ("webhook_due_at");
CREATE UNIQUE INDEX "nmbrs_debtor_connection_id_nmbrs_id" ON "nmbrs_debtor" ("connection_id", "nmbrs_id");

CREATE TABLE "bank_link" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "bank" TEXT NOT NULL,
  "consent_id" TEXT,
  "status" TEXT NOT NULL,
  "state_hash" TEXT NOT NULL,
  "returned_at" TIMESTAMP,
  "next_page" TEXT,
  "valid_until" DATE,
  "holder_name" TEXT,
  "holder_confirmed_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  "bank_name" TEXT NOT NULL,
  "consent_status" TEXT,
  "asked_at" TIMESTAMP,
  "looked_at" TIMESTAMP,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (status in ('started', 'valid', 'refused', 'ended'))
);
CREATE INDEX "bank_link_client_id" ON "bank_link" ("client_id");
CREATE INDEX "bank_link_user_id" ON "bank_link" ("user_id");
CREATE UNIQUE INDEX "bank_link_state_hash" ON "bank_link" ("state_hash");
CREATE INDEX "bank_link_due_at" ON "bank_link" ("due_at");

CREATE TABLE "bank_account" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  "created_at" TIMESTAMP NOT NULL,
  "holder_check" TEXT,
  "holder_checked_at" TIMESTAMP,
  "transactions_at" TIMESTAMP,
  "transactions_asked_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("link_id") REFERENCES "bank_link" ("id"),
  CHECK (limit_payment_cents >= 0),
  CHECK (limit_day_cents >= 0),
  CHECK (holder_check in ('agrees', 'yes', 'no'))
);
CREATE INDEX "bank_account_client_id" ON "bank_account" ("client_id");
CREATE INDEX "bank_account_link_id" ON "bank_account" ("link_id");
CREATE UNIQUE INDEX "bank_account_client_id_iban" ON "bank_account" ("client_id", "iban");

CREATE TABLE "payroll_company" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "nmbrs_id" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "guid" TEXT,
  "debtor_id" INTEGER,
  "number" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "kvk_number" TEXT,
  "bank_account_id" INTEGER,
  "mapped_at" TIMESTAMP,
  "looked_at" TIMESTAMP,
  "look_due_at" TIMESTAMP,
  "look_attempts" INTEGER NOT NULL,
  "hinted_at" TIMESTAMP,
  "hinted_by_id" INTEGER,
  "wage_tax_from" TIMESTAMP,
  "lease_until" TIMESTAMP,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id"),
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("debtor_id") REFERENCES "nmbrs_debtor" ("id"),
  FOREIGN KEY ("bank_account_id") REFERENCES "bank_account" ("id"),
  CHECK ((bank_account_id is null) = (mapped_at is null))
);
CREATE INDEX "payroll_company_connection_id" ON "payroll_company" ("connection_id");
CREATE INDEX "payroll_company_client_id" ON "payroll_company" ("client_id");
CREATE INDEX "payroll_company_debtor_id" ON "payroll_company" ("debtor_id");
CREATE INDEX "payroll_company_bank_account_id" ON "payroll_company" ("bank_account_id");
CREATE INDEX "payroll_company_look_due_at" ON "payroll_company" ("look_due_at");
CREATE UNIQUE INDEX "payroll_company_client_id_nmbrs_id" ON "payroll_company" ("client_id", "nmbrs_id");
CREATE UNIQUE INDEX "payroll_company_client_id_key" ON "payroll_company" ("client_id", "key");

CREATE TABLE "run" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  "kind" TEXT NOT NULL,
  "period_start" INTEGER NOT NULL,
  "period_end" INTEGER NOT NULL,
  "version" TEXT,
  "missing_since" TIMESTAMP,
  "picked_at" TIMESTAMP,
  "delivery_id" INTEGER,
  "overpaid" TEXT,
  "wage_tax_reference" TEXT,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  CHECK (state in ('found', 'retrying', 'taken', 'empty', 'refused', 'older', 'unmapped', 'vanished')),
  CHECK (kind in ('salary', 'wage_tax'))
);
CREATE INDEX "run_client_id" ON "run" ("client_id");
CREATE INDEX "run_company_id" ON "run" ("company_id");
CREATE INDEX "run_due_at" ON "run" ("due_at");
CREATE UNIQUE INDEX "run_company_id_kind_year_number" ON "run" ("company_id", "kind", "year", "number");

CREATE TABLE "batch" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  "kind" TEXT NOT NULL,
  "period_start" INTEGER NOT NULL,
  "period_end" INTEGER NOT NULL,
  "difference" BOOLEAN NOT NULL,
  "picked" BOOLEAN NOT NULL,
  "missing_count" INTEGER,
  "missing_names" TEXT,
  "changed_by_id" INTEGER,
  "lines_version" INTEGER NOT NULL,
  "lines_kept" TEXT,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("run_id") REFERENCES "run" ("id"),
  FOREIGN KEY ("company_id") REFERENCES "payroll_company" ("id"),
  FOREIGN KEY ("bank_account_id") REFERENCES "bank_account" ("id"),
  FOREIGN KEY ("changed_by_id") REFERENCES "user_account" ("id") ON DELETE SET NULL,
  CHECK (state in ('open', 'approved', 'sending', 'name_check', 'at_bank', 'signed', 'executed', 'partly_executed', 'rejected', 'failed', 'cancelled', 'discarded', 'replaced')),
  CHECK (total_cents > 0),
  CHECK (line_count > 0),
  CHECK (kind in ('salary', 'wage_tax'))
);
CREATE INDEX "batch_client_id" ON "batch" ("client_id");
CREATE INDEX "batch_run_id" ON "batch" ("run_id");
CREATE INDEX "batch_company_id" ON "batch" ("company_id");
CREATE UNIQUE INDEX "batch_reference" ON "batch" ("reference");
CREATE INDEX "batch_bank_account_id" ON "batch" ("bank_account_id");
CREATE INDEX "batch_changed_by_id" ON "batch" ("changed_by_id");
CREATE UNIQUE INDEX "batch_client_id_nmbrs_company_kind_year_run_number_version" ON "batch" ("client_id", "nmbrs_company", "kind", "year", "run_number", "version");
CREATE INDEX "batch_client_id_state" ON "batch" ("client_id", "state");

CREATE TABLE "approval" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "digest" TEXT NOT NULL,
  "total_cents" BIGINT NOT NULL,
  "proof" TEXT NOT NULL,
  "ip" TEXT NOT NULL,
  "fixed_day" BOOLEAN NOT NULL,
  "approved_at" TIMESTAMP NOT NULL,
  "voided_at" TIMESTAMP,
  "void_reason" TEXT,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (proof in ('session', 'pin', 'passkey')),
  CHECK ((voided_at is null) = (void_reason is null))
);
CREATE INDEX "approval_batch_id" ON "approval" ("batch_id");
CREATE INDEX "approval_user_id" ON "approval" ("user_id");
CREATE UNIQUE INDEX "one_approval_of_a_person" ON "approval" ("batch_id", "user_id") WHERE voided_at is null;

CREATE TABLE "attempts" (
  "bucket" TEXT NOT NULL PRIMARY KEY,
  "tries" INTEGER NOT NULL,
  "free_at" TIMESTAMP NOT NULL,
  "last_at" TIMESTAMP NOT NULL
);
CREATE INDEX "attempts_last_at" ON "attempts" ("last_at");

CREATE TABLE "audit_event" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "number" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  "actor" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "details" TEXT NOT NULL,
  "previous" TEXT NOT NULL,
  "hash" TEXT NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id")
);
CREATE INDEX "audit_event_client_id" ON "audit_event" ("client_id");
CREATE UNIQUE INDEX "audit_event_client_id_number" ON "audit_event" ("client_id", "number");

CREATE TABLE "authority" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "answer" TEXT NOT NULL,
  "reason" TEXT NOT NULL,
  "asked_at" TIMESTAMP NOT NULL,
  "decided_by" TEXT,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (answer in ('yes', 'no', 'not_established'))
);
CREATE INDEX "authority_client_id" ON "authority" ("client_id");
CREATE INDEX "authority_user_id" ON "authority" ("user_id");

CREATE TABLE "bank_access" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "link_id" INTEGER NOT NULL,
  "day" DATE NOT NULL,
  "what" TEXT NOT NULL,
  "times" INTEGER NOT NULL,
  FOREIGN KEY ("link_id") REFERENCES "bank_link" ("id"),
  CHECK (times between 1 and 4)
);
CREATE INDEX "bank_access_link_id" ON "bank_access" ("link_id");
CREATE UNIQUE INDEX "bank_access_link_id_day_what" ON "bank_access" ("link_id", "day", "what");

CREATE TABLE "release" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "digest" TEXT NOT NULL,
  "debtor_iban" TEXT NOT NULL,
  "execution_date" DATE NOT NULL,
  "total_cents" BIGINT NOT NULL,
  "line_count" INTEGER NOT NULL,
  "proof" TEXT NOT NULL,
  "ip" TEXT NOT NULL,
  "batch_booking" BOOLEAN NOT NULL,
  "name_check" BOOLEAN NOT NULL,
  "released_at" TIMESTAMP NOT NULL,
  "voided_at" TIMESTAMP,
  "void_reason" TEXT,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  CHECK (proof in ('session', 'pin', 'passkey')),
  CHECK ((voided_at is null) = (void_reason is null))
);
CREATE INDEX "release_batch_id" ON "release" ("batch_id");
CREATE INDEX "release_user_id" ON "release" ("user_id");
CREATE UNIQUE INDEX "one_release_of_a_digest" ON "release" ("batch_id", "digest") WHERE voided_at is null;

CREATE TABLE "bank_order" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  "return_hash" TEXT NOT NULL,
  "form" TEXT NOT NULL,
  "notify_hash" TEXT,
  "by_hand" BOOLEAN NOT NULL,
  "returned_at" TIMESTAMP,
  "asked_at" TIMESTAMP,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("release_id") REFERENCES "release" ("id"),
  FOREIGN KEY ("bank_account_id") REFERENCES "bank_account" ("id"),
  CHECK (state in ('ready', 'sent', 'at_bank', 'signed', 'executed', 'ended'))
);
CREATE INDEX "bank_order_batch_id" ON "bank_order" ("batch_id");
CREATE UNIQUE INDEX "bank_order_release_id" ON "bank_order" ("release_id");
CREATE INDEX "bank_order_bank_account_id" ON "bank_order" ("bank_account_id");
CREATE UNIQUE INDEX "bank_order_msg_id" ON "bank_order" ("msg_id");
CREATE UNIQUE INDEX "bank_order_request_id" ON "bank_order" ("request_id");
CREATE UNIQUE INDEX "bank_order_return_hash" ON "bank_order" ("return_hash");
CREATE UNIQUE INDEX "bank_order_notify_hash" ON "bank_order" ("notify_hash");
CREATE INDEX "bank_order_due_at" ON "bank_order" ("due_at");
CREATE UNIQUE INDEX "one_live_order" ON "bank_order" ("batch_id") WHERE state <> 'ended';

CREATE TABLE "bank_exchange" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  "call" TEXT NOT NULL,
  "request_id" TEXT NOT NULL,
  "outcome" TEXT NOT NULL,
  "raw_status" TEXT,
  "final" BOOLEAN NOT NULL,
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id")
);
CREATE INDEX "bank_exchange_order_id" ON "bank_exchange" ("order_id");

CREATE TABLE "bank_grant" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "link_id" INTEGER NOT NULL,
  "verifier_sealed" TEXT,
  "tokens_sealed" TEXT,
  "lease_until" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("link_id") REFERENCES "bank_link" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "bank_grant_link_id" ON "bank_grant" ("link_id");

CREATE TABLE "batch_line" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  "paid_cents" BIGINT,
  "name_match" TEXT,
  "name_at_bank" TEXT,
  "bank_reason" TEXT,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  CHECK (state in ('open', 'refused', 'void', 'sent', 'executed', 'rejected', 'returned')),
  CHECK (amount_cents > 0),
  CHECK (length(name_sent) between 1 and 70),
  CHECK (length(description_sent) between 1 and 140),
  CHECK (length(end_to_end_id) between 1 and 35),
  CHECK (name_match in ('NMTC', 'CMTC', 'NOAP'))
);
CREATE INDEX "batch_line_batch_id" ON "batch_line" ("batch_id");
CREATE UNIQUE INDEX "batch_line_end_to_end_id" ON "batch_line" ("end_to_end_id");
CREATE UNIQUE INDEX "batch_line_batch_id_position" ON "batch_line" ("batch_id", "position");

CREATE TABLE "bank_transaction" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  CHECK ((line_id is null) = (role is null or role = 'lump'))
);
CREATE INDEX "bank_transaction_account_id" ON "bank_transaction" ("account_id");
CREATE INDEX "bank_transaction_order_id" ON "bank_transaction" ("order_id");
CREATE INDEX "bank_transaction_line_id" ON "bank_transaction" ("line_id");
CREATE UNIQUE INDEX "bank_transaction_account_id_bank_key" ON "bank_transaction" ("account_id", "bank_key");
CREATE UNIQUE INDEX "bank_transaction_line_id_role" ON "bank_transaction" ("line_id", "role");
CREATE INDEX "bank_transaction_account_id_booked_on" ON "bank_transaction" ("account_id", "booked_on");
CREATE UNIQUE INDEX "one_lump_of_an_order" ON "bank_transaction" ("order_id") WHERE role = 'lump';

CREATE TABLE "challenge" (
  "challenge_hash" TEXT NOT NULL PRIMARY KEY,
  "purpose" TEXT NOT NULL,
  "session_hash" TEXT NOT NULL,
  "user_id" INTEGER,
  "nonce" TEXT,
  "expires_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK (purpose in ('register', 'sign_in', 'prove', 'release'))
);
CREATE INDEX "challenge_user_id" ON "challenge" ("user_id");
CREATE INDEX "challenge_expires_at" ON "challenge" ("expires_at");

CREATE TABLE "delivery" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "received_at" TIMESTAMP NOT NULL,
  "content_type" TEXT NOT NULL,
  "headers" TEXT NOT NULL,
  "body" BYTEA NOT NULL,
  "handled_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id")
);
CREATE INDEX "delivery_client_id" ON "delivery" ("client_id");
CREATE INDEX "delivery_handled_at" ON "delivery" ("handled_at");
CREATE INDEX "delivery_client_id_handled_at" ON "delivery" ("client_id", "handled_at");

CREATE TABLE "device" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "token_hash" TEXT NOT NULL,
  "agent" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "seen_at" TIMESTAMP NOT NULL,
  "confirmed_at" TIMESTAMP,
  "confirmed_by" TEXT,
  "offered_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK (confirmed_by in ('mail', 'passkey', 'identification')),
  CHECK ((confirmed_at is null) = (confirmed_by is null))
);
CREATE INDEX "device_user_id" ON "device" ("user_id");
CREATE UNIQUE INDEX "device_token_hash_user_id" ON "device" ("token_hash", "user_id");

CREATE TABLE "email_token" (
  "token_hash" TEXT NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "purpose" TEXT NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  "device_id" INTEGER,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("device_id") REFERENCES "device" ("id") ON DELETE CASCADE
);
CREATE INDEX "email_token_user_id" ON "email_token" ("user_id");
CREATE INDEX "email_token_device_id" ON "email_token" ("device_id");

CREATE TABLE "four_eyes_change" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "from_cents" BIGINT,
  "asked_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK (from_cents >= 0)
);
CREATE UNIQUE INDEX "four_eyes_change_client_id" ON "four_eyes_change" ("client_id");
CREATE INDEX "four_eyes_change_user_id" ON "four_eyes_change" ("user_id");

CREATE TABLE "identification" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "provider" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "person_sealed" TEXT NOT NULL,
  "level" TEXT,
  "authenticated_at" TIMESTAMP NOT NULL,
  "evidence" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id")
);
CREATE INDEX "identification_user_id" ON "identification" ("user_id");

CREATE TABLE "identity_attempt" (
  "state_hash" TEXT NOT NULL PRIMARY KEY,
  "session_hash" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "sealed" TEXT NOT NULL,
  "started_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  "identity_sealed" TEXT,
  "code_hash" TEXT,
  "code_tries" INTEGER NOT NULL,
  "arrived_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  CHECK (code_tries between 0 and 5)
);
CREATE INDEX "identity_attempt_user_id" ON "identity_attempt" ("user_id");
CREATE INDEX "identity_attempt_client_id" ON "identity_attempt" ("client_id");

CREATE TABLE "invitation" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "invited_by_id" INTEGER NOT NULL,
  "email" TEXT NOT NULL,
  "role" TEXT NOT NULL,
  "to_sign" BOOLEAN NOT NULL,
  "token_hash" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  "withdrawn_at" TIMESTAMP,
  "user_id" INTEGER,
  "accepted_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("invited_by_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK (email = lower(email)),
  CHECK (role in ('owner', 'approver', 'preparer')),
  CHECK (not to_sign or role <> 'preparer'),
  CHECK ((user_id is null) = (accepted_at is null)),
  CHECK (accepted_at is null or withdrawn_at is null)
);
CREATE INDEX "invitation_client_id" ON "invitation" ("client_id");
CREATE INDEX "invitation_invited_by_id" ON "invitation" ("invited_by_id");
CREATE UNIQUE INDEX "invitation_token_hash" ON "invitation" ("token_hash");
CREATE INDEX "invitation_user_id" ON "invitation" ("user_id");

CREATE TABLE "login_session" (
  "token_hash" TEXT NOT NULL PRIMARY KEY,
  "user_id" INTEGER,
  "data" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "seen_at" TIMESTAMP NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  "device_id" INTEGER,
  "proved_at" TIMESTAMP,
  "proved_until" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("device_id") REFERENCES "device" ("id") ON DELETE CASCADE
);
CREATE INDEX "login_session_user_id" ON "login_session" ("user_id");
CREATE INDEX "login_session_expires_at" ON "login_session" ("expires_at");
CREATE INDEX "login_session_device_id" ON "login_session" ("device_id");

CREATE TABLE "membership" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "role" TEXT NOT NULL,
  "used_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  CHECK (role in ('owner', 'approver', 'preparer'))
);
CREATE INDEX "membership_user_id" ON "membership" ("user_id");
CREATE INDEX "membership_client_id" ON "membership" ("client_id");
CREATE UNIQUE INDEX "membership_user_id_client_id" ON "membership" ("user_id", "client_id");

CREATE TABLE "nmbrs_check" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "connection_id" INTEGER NOT NULL,
  "position" INTEGER NOT NULL,
  "call" TEXT NOT NULL,
  "needed" BOOLEAN NOT NULL,
  "result" TEXT NOT NULL,
  "code" TEXT,
  "at" TIMESTAMP,
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id") ON DELETE CASCADE,
  CHECK (result in ('waiting', 'ok', 'refused', 'unknown', 'trouble'))
);
CREATE INDEX "nmbrs_check_connection_id" ON "nmbrs_check" ("connection_id");
CREATE UNIQUE INDEX "nmbrs_check_connection_id_call" ON "nmbrs_check" ("connection_id", "call");

CREATE TABLE "nmbrs_consent" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "state_hash" TEXT NOT NULL,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "connection_id" INTEGER,
  "verifier_sealed" TEXT NOT NULL,
  "expires_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("connection_id") REFERENCES "nmbrs_connection" ("id")
);
CREATE UNIQUE INDEX "nmbrs_consent_state_hash" ON "nmbrs_consent" ("state_hash");
CREATE INDEX "nmbrs_consent_client_id" ON "nmbrs_consent" ("client_id");
CREATE INDEX "nmbrs_consent_user_id" ON "nmbrs_consent" ("user_id");
CREATE INDEX "nmbrs_consent_connection_id" ON "nmbrs_consent" ("connection_id");

CREATE TABLE "nmbrs_exchange" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  FOREIGN KEY ("run_id") REFERENCES "run" ("id")
);
CREATE INDEX "nmbrs_exchange_connection_id" ON "nmbrs_exchange" ("connection_id");
CREATE INDEX "nmbrs_exchange_company_id" ON "nmbrs_exchange" ("company_id");
CREATE INDEX "nmbrs_exchange_run_id" ON "nmbrs_exchange" ("run_id");
CREATE INDEX "nmbrs_exchange_at" ON "nmbrs_exchange" ("at");

CREATE TABLE "push_subscription" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "device_id" INTEGER NOT NULL,
  "endpoint_hash" TEXT NOT NULL,
  "sealed" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("device_id") REFERENCES "device" ("id") ON DELETE CASCADE
);
CREATE INDEX "push_subscription_user_id" ON "push_subscription" ("user_id");
CREATE UNIQUE INDEX "push_subscription_device_id" ON "push_subscription" ("device_id");
CREATE UNIQUE INDEX "push_subscription_endpoint_hash" ON "push_subscription" ("endpoint_hash");

CREATE TABLE "notification" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "subscription_id" INTEGER NOT NULL,
  "client_id" INTEGER NOT NULL,
  "batch_id" INTEGER,
  "what" TEXT NOT NULL,
  "path" TEXT NOT NULL,
  "once" TEXT NOT NULL,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP,
  "lease_until" TIMESTAMP,
  "sent_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("subscription_id") REFERENCES "push_subscription" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  CHECK (what in ('waits', 'asked', 'executed', 'partly', 'refused', 'consent'))
);
CREATE INDEX "notification_subscription_id" ON "notification" ("subscription_id");
CREATE INDEX "notification_client_id" ON "notification" ("client_id");
CREATE INDEX "notification_batch_id" ON "notification" ("batch_id");
CREATE INDEX "notification_due_at" ON "notification" ("due_at");
CREATE UNIQUE INDEX "notification_subscription_id_once" ON "notification" ("subscription_id", "once");

CREATE TABLE "sca_session" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "purpose" TEXT NOT NULL,
  "links_sealed" TEXT NOT NULL,
  "authorisation_id" TEXT,
  "sca_status" TEXT,
  "answer_sealed" TEXT,
  "elsewhere" BOOLEAN NOT NULL,
  "lease_until" TIMESTAMP,
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  CHECK (purpose in ('payment', 'cancellation'))
);
CREATE INDEX "sca_session_order_id" ON "sca_session" ("order_id");
CREATE UNIQUE INDEX "sca_session_order_id_purpose" ON "sca_session" ("order_id", "purpose");

CREATE TABLE "order_download" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id")
);
CREATE INDEX "order_download_order_id" ON "order_download" ("order_id");
CREATE INDEX "order_download_user_id" ON "order_download" ("user_id");

CREATE TABLE "outgoing_mail" (
  "id" SERIAL NOT NULL PRIMARY KEY,
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
  FOREIGN KEY ("client_id") REFERENCES "client" ("id")
);
CREATE INDEX "outgoing_mail_user_id" ON "outgoing_mail" ("user_id");
CREATE INDEX "outgoing_mail_client_id" ON "outgoing_mail" ("client_id");
CREATE UNIQUE INDEX "outgoing_mail_once" ON "outgoing_mail" ("once");
CREATE INDEX "outgoing_mail_due_at" ON "outgoing_mail" ("due_at");

CREATE TABLE "token_revocation" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "service" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  "token_sealed" TEXT NOT NULL,
  "attempts" INTEGER NOT NULL,
  "due_at" TIMESTAMP NOT NULL,
  "lease_until" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id"),
  CHECK (service in ('nmbrs', 'ponto'))
);
CREATE INDEX "token_revocation_client_id" ON "token_revocation" ("client_id");
CREATE INDEX "token_revocation_due_at" ON "token_revocation" ("due_at");

CREATE TABLE "passkey" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "credential_id" TEXT NOT NULL,
  "public_key" TEXT NOT NULL,
  "sign_count" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE
);
CREATE INDEX "passkey_user_id" ON "passkey" ("user_id");
CREATE UNIQUE INDEX "passkey_credential_id" ON "passkey" ("credential_id");

CREATE TABLE "pin" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "pin_hash" TEXT NOT NULL,
  "set_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id")
);
CREATE UNIQUE INDEX "pin_user_id" ON "pin" ("user_id");

CREATE TABLE "pin_tries" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "device_id" INTEGER NOT NULL,
  "failures" INTEGER NOT NULL,
  "locked_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("device_id") REFERENCES "device" ("id") ON DELETE CASCADE,
  CHECK (failures between 0 and 5),
  CHECK ((failures < 5) = (locked_at is null))
);
CREATE INDEX "pin_tries_user_id" ON "pin_tries" ("user_id");
CREATE INDEX "pin_tries_device_id" ON "pin_tries" ("device_id");
CREATE UNIQUE INDEX "pin_tries_user_id_device_id" ON "pin_tries" ("user_id", "device_id");

CREATE TABLE "warning_opened" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "about" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id")
);
CREATE INDEX "warning_opened_batch_id" ON "warning_opened" ("batch_id");
CREATE INDEX "warning_opened_user_id" ON "warning_opened" ("user_id");
CREATE UNIQUE INDEX "warning_opened_batch_id_kind_about" ON "warning_opened" ("batch_id", "kind", "about");

CREATE TABLE "webhook_key" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "key_hmac" TEXT NOT NULL,
  "key_sealed" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "expires_at" TIMESTAMP,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id")
);
CREATE INDEX "webhook_key_client_id" ON "webhook_key" ("client_id");
CREATE UNIQUE INDEX "webhook_key_key_hmac" ON "webhook_key" ("key_hmac");
"""
