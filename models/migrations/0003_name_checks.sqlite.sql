ALTER TABLE "batch_line" ADD COLUMN "name_match" TEXT CHECK (name_match in ('NMTC', 'CMTC', 'NOAP'));

ALTER TABLE "batch_line" ADD COLUMN "name_at_bank" TEXT;

ALTER TABLE "batch_line" ADD COLUMN "bank_reason" TEXT;

CREATE TABLE "accepted_name" ("id" INTEGER NOT NULL PRIMARY KEY,
  "client_id" INTEGER NOT NULL,
  "iban" TEXT NOT NULL,
  "name_given" TEXT NOT NULL,
  "name_at_bank" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" DATETIME NOT NULL,
  FOREIGN KEY ("client_id") REFERENCES "client" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"));

CREATE INDEX "accepted_name_client_id" ON "accepted_name" ("client_id");

CREATE INDEX "accepted_name_user_id" ON "accepted_name" ("user_id");

CREATE UNIQUE INDEX "accepted_name_client_id_iban" ON "accepted_name" ("client_id",
  "iban");
