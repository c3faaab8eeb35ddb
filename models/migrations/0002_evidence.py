"""Order lines and evidence: each order gets the lines that it holds, and what was known of them as evidence.

Only the newest order of a payment still has its end-to-end ids at the payment's lines; older ones had ended without
being executed, and stay without lines of their own.
"""

from models.dialect import allow_more_values
from models.schema import run_script


def up(migrator, db):
    run_script(TABLES)
    more = "'partly_executed', 'pending_rejection', 'returned', 'disputed'"
    allow_more_values("batch", "partly_executed", "'partly_executed'", more)
    allow_more_values("batch_line", "returned", "'returned'", "'returned', 'disputed'")
    run_script(FILL)


TABLES = """
CREATE TABLE "order_line" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "batch_line_id" INTEGER NOT NULL,
  "end_to_end_id" TEXT NOT NULL,
  "iban" TEXT NOT NULL,
  "amount_cents" BIGINT NOT NULL,
  "standing" TEXT NOT NULL,
  "reason" TEXT,
  "may_execute_until" DATE,
  CHECK (standing in ('unsent', 'possible', 'paid', 'returned', 'unpaid', 'disputed')),
  CHECK (amount_cents > 0),
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  FOREIGN KEY ("batch_line_id") REFERENCES "batch_line" ("id")
);
CREATE UNIQUE INDEX "order_line_end_to_end_id" ON "order_line" ("end_to_end_id");
CREATE UNIQUE INDEX "order_line_order_id_batch_line_id" ON "order_line" ("order_id", "batch_line_id");
CREATE INDEX "order_line_order_id" ON "order_line" ("order_id");
CREATE INDEX "order_line_batch_line_id" ON "order_line" ("batch_line_id");
CREATE INDEX "committed_order_lines" ON "order_line" ("batch_line_id")
  WHERE (standing in ('possible', 'paid', 'disputed'));

CREATE TABLE "evidence" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "order_id" INTEGER NOT NULL,
  "order_line_id" INTEGER,
  "source" TEXT NOT NULL,
  "trust" TEXT NOT NULL,
  "level" INTEGER NOT NULL,
  "code" TEXT NOT NULL,
  "reason" TEXT,
  "cents" BIGINT,
  "is_whole" BOOLEAN NOT NULL,
  "said_at" TIMESTAMP NOT NULL,
  "said_by" TEXT,
  "document_sha256" TEXT,
  "statement_key" TEXT NOT NULL,
  "received_at" TIMESTAMP NOT NULL,
  "dedupe_key" TEXT NOT NULL,
  CHECK (source in ('status', 'report', 'booking', 'person', 'operator', 'migration')),
  CHECK (trust in ('bank', 'person', 'operator', 'hint')),
  CHECK (level between 0 and 2),
  FOREIGN KEY ("order_id") REFERENCES "bank_order" ("id"),
  FOREIGN KEY ("order_line_id") REFERENCES "order_line" ("id")
);
CREATE INDEX "evidence_order_id" ON "evidence" ("order_id");
CREATE INDEX "evidence_order_line_id" ON "evidence" ("order_line_id");
CREATE UNIQUE INDEX "evidence_order_id_dedupe_key" ON "evidence" ("order_id", "dedupe_key");

DROP INDEX IF EXISTS "one_lump_of_an_order";
DROP INDEX IF EXISTS "bank_transaction_line_id_role";
CREATE INDEX "bank_transaction_line_id_role" ON "bank_transaction" ("line_id", "role");
"""

FILL = """
INSERT INTO "order_line" ("order_id", "batch_line_id", "end_to_end_id", "iban", "amount_cents", "standing", "reason")
SELECT o.id, l.id, l.end_to_end_id, l.iban, l.amount_cents,
  CASE l.state WHEN 'executed' THEN 'paid' WHEN 'returned' THEN 'returned' WHEN 'rejected' THEN 'unpaid'
    ELSE CASE WHEN o.called_at IS NULL THEN 'unsent'
      WHEN b.state IN ('failed', 'cancelled', 'rejected') THEN 'unpaid' ELSE 'possible' END END,
  CASE WHEN l.state IN ('returned', 'rejected') THEN l.bank_reason END
FROM "bank_order" o JOIN "batch" b ON b.id = o.batch_id JOIN "batch_line" l ON l.batch_id = o.batch_id
WHERE l.state IN ('sent', 'executed', 'returned', 'rejected')
  AND o.id = (SELECT max(newest.id) FROM "bank_order" newest WHERE newest.batch_id = o.batch_id);

INSERT INTO "evidence" ("order_id", "order_line_id", "source", "trust", "level", "code", "reason", "is_whole",
  "said_at", "statement_key", "received_at", "dedupe_key")
SELECT n.order_id, n.id, 'migration', 'bank', 2,
  CASE n.standing WHEN 'paid' THEN 'ACSC' WHEN 'returned' THEN 'RTRN' ELSE 'CANC' END, n.reason, true,
  o.created_at, '', o.created_at, 'migration:' || n.id
FROM "order_line" n JOIN "bank_order" o ON o.id = n.order_id
WHERE n.standing IN ('paid', 'returned', 'unpaid');

INSERT INTO "evidence" ("order_id", "source", "trust", "level", "code", "is_whole", "said_at", "statement_key",
  "received_at", "dedupe_key")
SELECT o.id, 'migration', 'bank', 0, CASE b.state WHEN 'signed' THEN 'ACSP' WHEN 'name_check' THEN 'RVCM'
    WHEN 'failed' THEN 'SCAF' WHEN 'cancelled' THEN 'CANC' WHEN 'rejected' THEN 'NTKN' ELSE 'RCVD' END,
  true, o.created_at, '', o.created_at, 'migration:whole'
FROM "bank_order" o JOIN "batch" b ON b.id = o.batch_id
WHERE b.state IN ('name_check', 'at_bank', 'signed', 'failed', 'cancelled', 'rejected')
  AND o.id = (SELECT max(newest.id) FROM "bank_order" newest WHERE newest.batch_id = o.batch_id);
"""
