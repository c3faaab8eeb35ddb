"""Doubts about lines, which hold a payment, and the notifications about them."""

from models.dialect import allow_more_values
from models.schema import run_script


def up(migrator, db):
    allow_more_values("push_notification", "asked", "'asked'", "'asked', 'doubt_asked', 'doubt_answered'")
    run_script(TABLE)


TABLE = """
CREATE TABLE "line_doubt" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "line_id" INTEGER NOT NULL,
  "step" TEXT NOT NULL,
  "words" TEXT,
  "user_id" INTEGER NOT NULL,
  "taken_at" TIMESTAMP NOT NULL,
  "earlier_id" INTEGER,
  CHECK (step in ('asked', 'right', 'rerun', 'withdrawn', 'overruled')),
  CHECK (words is null or length(words) between 1 and 200),
  CHECK (step <> 'asked' or words is not null),
  CHECK (step in ('asked', 'right', 'rerun') or words is null),
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("line_id") REFERENCES "batch_line" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("earlier_id") REFERENCES "line_doubt" ("id")
);
CREATE INDEX "line_doubt_batch_id" ON "line_doubt" ("batch_id");
CREATE INDEX "line_doubt_line_id" ON "line_doubt" ("line_id");
CREATE INDEX "line_doubt_user_id" ON "line_doubt" ("user_id");
CREATE INDEX "line_doubt_earlier_id" ON "line_doubt" ("earlier_id");
"""
