CREATE TABLE "device" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "token_hash" TEXT NOT NULL,
  "agent" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "seen_at" TIMESTAMP NOT NULL,
  "confirmed_at" TIMESTAMP,
  "confirmed_by" TEXT,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK (confirmed_by in ('mail', 'passkey', 'identification')),
  CHECK ((confirmed_at is null) = (confirmed_by is null)));

CREATE INDEX "device_user_id" ON "device" ("user_id");

CREATE UNIQUE INDEX "device_token_hash_user_id" ON "device" ("token_hash", "user_id");

CREATE TABLE "pin_tries" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "device_id" INTEGER NOT NULL,
  "failures" INTEGER NOT NULL,
  "locked_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("device_id") REFERENCES "device" ("id") ON DELETE CASCADE,
  CHECK (failures between 0 and 5),
  CHECK ((failures < 5) = (locked_at is null)));

CREATE INDEX "pin_tries_user_id" ON "pin_tries" ("user_id");

CREATE INDEX "pin_tries_device_id" ON "pin_tries" ("device_id");

CREATE UNIQUE INDEX "pin_tries_user_id_device_id" ON "pin_tries" ("user_id", "device_id");

CREATE TABLE "passkey" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "credential_id" TEXT NOT NULL,
  "public_key" TEXT NOT NULL,
  "sign_count" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  "used_at" TIMESTAMP,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE);

CREATE INDEX "passkey_user_id" ON "passkey" ("user_id");

CREATE UNIQUE INDEX "passkey_credential_id" ON "passkey" ("credential_id");

CREATE TABLE "challenge" ("challenge_hash" TEXT NOT NULL PRIMARY KEY,
  "purpose" TEXT NOT NULL,
  "session_hash" TEXT NOT NULL,
  "user_id" INTEGER,
  "nonce" TEXT,
  "expires_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK (purpose in ('register', 'sign_in', 'prove', 'release')));

CREATE INDEX "challenge_user_id" ON "challenge" ("user_id");

CREATE INDEX "challenge_expires_at" ON "challenge" ("expires_at");

CREATE TABLE "attempts" ("bucket" TEXT NOT NULL PRIMARY KEY,
  "tries" INTEGER NOT NULL,
  "free_at" TIMESTAMP NOT NULL,
  "last_at" TIMESTAMP NOT NULL);

CREATE INDEX "attempts_last_at" ON "attempts" ("last_at");

ALTER TABLE "user_account" ADD COLUMN "reset_at" TIMESTAMP;

ALTER TABLE "login_session" ADD COLUMN "device_id" INTEGER REFERENCES "device" ("id") ON DELETE CASCADE;

ALTER TABLE "login_session" ADD COLUMN "proved_at" TIMESTAMP;

ALTER TABLE "login_session" ADD COLUMN "proved_until" TIMESTAMP;

CREATE INDEX "login_session_device_id" ON "login_session" ("device_id");

ALTER TABLE "email_token" ADD COLUMN "device_id" INTEGER REFERENCES "device" ("id") ON DELETE CASCADE;

CREATE INDEX "email_token_device_id" ON "email_token" ("device_id");

ALTER TABLE "pin" DROP COLUMN "failures";

ALTER TABLE "pin" DROP COLUMN "locked_at";
