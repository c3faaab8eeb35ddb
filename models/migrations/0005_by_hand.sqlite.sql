ALTER TABLE "bank_order" ADD COLUMN "by_hand" INTEGER NOT NULL DEFAULT 0;

CREATE TABLE "order_download" ("id" INTEGER NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "user_id" INTEGER NOT NULL,
  "at" DATETIME NOT NULL,
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"));

CREATE INDEX "order_download_order_id" ON "order_download" ("order_id");

CREATE INDEX "order_download_user_id" ON "order_download" ("user_id");
