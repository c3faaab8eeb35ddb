"""Why people left lines out of payments."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)


TABLE = """
CREATE TABLE "line_verdict" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "line_id" INTEGER NOT NULL,
  "verdict" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "given_at" TIMESTAMP NOT NULL,
  "earlier_id" INTEGER,
  CHECK (verdict in ('later', 'never')),
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("line_id") REFERENCES "batch_line" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("earlier_id") REFERENCES "line_verdict" ("id")
);
CREATE INDEX "line_verdict_batch_id" ON "line_verdict" ("batch_id");
CREATE INDEX "line_verdict_line_id" ON "line_verdict" ("line_id");
CREATE INDEX "line_verdict_user_id" ON "line_verdict" ("user_id");
CREATE INDEX "line_verdict_earlier_id" ON "line_verdict" ("earlier_id");
"""
