ALTER TABLE "client" ADD COLUMN "four_eyes_cents" BIGINT CHECK (four_eyes_cents >= 0);

ALTER TABLE "client" ADD COLUMN "lines_hidden" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "batch" ADD COLUMN "changed_by_id" INTEGER REFERENCES "user_account" ("id") ON DELETE SET NULL;

CREATE INDEX "batch_changed_by_id" ON "batch" ("changed_by_id");

CREATE TABLE "approval" ("id" SERIAL NOT NULL PRIMARY KEY,
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
  CHECK ((voided_at is null) = (void_reason is null)));

CREATE INDEX "approval_batch_id" ON "approval" ("batch_id");

CREATE INDEX "approval_user_id" ON "approval" ("user_id");

CREATE UNIQUE INDEX "one_approval_of_a_person" ON "approval" ("batch_id", "user_id") WHERE voided_at is null;

CREATE TABLE "four_eyes_change" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "from_cents" BIGINT CHECK (from_cents >= 0),
  "asked_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE);

CREATE UNIQUE INDEX "four_eyes_change_client_id" ON "four_eyes_change" ("client_id");

CREATE INDEX "four_eyes_change_user_id" ON "four_eyes_change" ("user_id");

CREATE TABLE "invitation" ("id" SERIAL NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "invited_by_id" INTEGER NOT NULL,
  "email" TEXT NOT NULL CHECK (email = lower(email)),
  "role" TEXT NOT NULL CHECK (role in ('owner', 'approver', 'preparer')),
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
  CHECK (not to_sign or role <> 'preparer'),
  CHECK ((user_id is null) = (accepted_at is null)),
  CHECK (accepted_at is null or withdrawn_at is null));

INSERT INTO "invitation" ("client_id", "invited_by_id", "email", "role", "to_sign", "token_hash", "created_at",
  "expires_at", "user_id", "accepted_at")
  SELECT "client_id", "invited_by_id", "email", 'approver', true, "token_hash", "created_at", "expires_at",
  "user_id", "accepted_at" FROM "second_signer" ORDER BY "id";

DROP TABLE "second_signer";

CREATE INDEX "invitation_client_id" ON "invitation" ("client_id");

CREATE INDEX "invitation_invited_by_id" ON "invitation" ("invited_by_id");

CREATE INDEX "invitation_user_id" ON "invitation" ("user_id");

CREATE UNIQUE INDEX "invitation_token_hash" ON "invitation" ("token_hash");
