ALTER TABLE "user_account" ADD COLUMN "unheard" TEXT;

CREATE TABLE "push_subscription" ("id" SERIAL NOT NULL PRIMARY KEY,
  "user_id" INTEGER NOT NULL,
  "device_id" INTEGER NOT NULL,
  "endpoint_hash" TEXT NOT NULL,
  "sealed" TEXT NOT NULL,
  "created_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("device_id") REFERENCES "device" ("id") ON DELETE CASCADE);

CREATE INDEX "push_subscription_user_id" ON "push_subscription" ("user_id");

CREATE UNIQUE INDEX "push_subscription_device_id" ON "push_subscription" ("device_id");

CREATE UNIQUE INDEX "push_subscription_endpoint_hash" ON "push_subscription" ("endpoint_hash");

CREATE TABLE "notification" ("id" SERIAL NOT NULL PRIMARY KEY,
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
  CHECK (what in ('waits', 'asked', 'executed', 'partly', 'refused', 'consent')));

CREATE INDEX "notification_subscription_id" ON "notification" ("subscription_id");

CREATE INDEX "notification_client_id" ON "notification" ("client_id");

CREATE INDEX "notification_batch_id" ON "notification" ("batch_id");

CREATE INDEX "notification_due_at" ON "notification" ("due_at");

CREATE UNIQUE INDEX "notification_subscription_id_once" ON "notification" ("subscription_id", "once")
