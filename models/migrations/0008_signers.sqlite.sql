ALTER TABLE "identity_attempt" ADD COLUMN "identity_sealed" TEXT;

ALTER TABLE "identity_attempt" ADD COLUMN "code_hash" TEXT;

ALTER TABLE "identity_attempt" ADD COLUMN "code_tries" INTEGER NOT NULL DEFAULT 0 CHECK (code_tries between 0 and 5);

ALTER TABLE "identity_attempt" ADD COLUMN "arrived_at" DATETIME;

CREATE TABLE "second_signer" ("id" INTEGER NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "invited_by_id" INTEGER NOT NULL,
  "email" TEXT NOT NULL CHECK (email = lower(email)),
  "token_hash" TEXT NOT NULL,
  "created_at" DATETIME NOT NULL,
  "expires_at" DATETIME NOT NULL,
  "user_id" INTEGER,
  "accepted_at" DATETIME,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("invited_by_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  CHECK ((user_id is null) = (accepted_at is null)));

CREATE INDEX "second_signer_client_id" ON "second_signer" ("client_id");

CREATE INDEX "second_signer_invited_by_id" ON "second_signer" ("invited_by_id");

CREATE INDEX "second_signer_user_id" ON "second_signer" ("user_id");

CREATE UNIQUE INDEX "second_signer_token_hash" ON "second_signer" ("token_hash");
