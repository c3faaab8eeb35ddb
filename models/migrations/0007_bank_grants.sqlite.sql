CREATE TABLE "bank_grant" ("id" INTEGER NOT NULL PRIMARY KEY,
  "link_id" INTEGER NOT NULL,
  "verifier_sealed" TEXT,
  "tokens_sealed" TEXT,
  "lease_until" DATETIME,
  "created_at" DATETIME NOT NULL,
  FOREIGN KEY ("link_id") REFERENCES "bank_link" ("id") ON DELETE CASCADE);

CREATE UNIQUE INDEX "bank_grant_link_id" ON "bank_grant" ("link_id");
