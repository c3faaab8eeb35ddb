ALTER TABLE "client" ADD COLUMN "batch_booking" INTEGER NOT NULL DEFAULT 1;

ALTER TABLE "client" ADD COLUMN "name_check" INTEGER NOT NULL DEFAULT 1;

ALTER TABLE "release" ADD COLUMN "batch_booking" INTEGER NOT NULL DEFAULT 1;

ALTER TABLE "release" ADD COLUMN "name_check" INTEGER NOT NULL DEFAULT 1;

ALTER TABLE "bank_order" ADD COLUMN "form" TEXT NOT NULL DEFAULT 'pain.001.001.09';

ALTER TABLE "bank_order" ADD COLUMN "notify_hash" TEXT;

CREATE UNIQUE INDEX "bank_order_notify_hash" ON "bank_order" ("notify_hash");
