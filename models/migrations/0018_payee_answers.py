"""What people answered about accounts that are new for a person, or changed."""

from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)


TABLE = """
ALTER TABLE "client" ADD COLUMN "payees_asked_by_other" BOOLEAN NOT NULL DEFAULT false;
CREATE TABLE "payee_answer" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "batch_id" INTEGER NOT NULL,
  "line_id" INTEGER NOT NULL,
  "concern" TEXT NOT NULL,
  "question" TEXT NOT NULL,
  "answer" TEXT NOT NULL,
  "user_id" INTEGER NOT NULL,
  "answered_at" TIMESTAMP NOT NULL,
  "act" TEXT NOT NULL,
  "earlier_id" INTEGER,
  CHECK (concern in ('changed', 'new')),
  CHECK (answer in ('phone', 'in_person', 'records', 'not_yet')),
  CHECK (earlier_id is null or answer <> 'not_yet'),
  FOREIGN KEY ("batch_id") REFERENCES "batch" ("id"),
  FOREIGN KEY ("line_id") REFERENCES "batch_line" ("id"),
  FOREIGN KEY ("user_id") REFERENCES "user_account" ("id"),
  FOREIGN KEY ("earlier_id") REFERENCES "payee_answer" ("id")
);
CREATE INDEX "payee_answer_batch_id" ON "payee_answer" ("batch_id");
CREATE INDEX "payee_answer_line_id" ON "payee_answer" ("line_id");
CREATE INDEX "payee_answer_user_id" ON "payee_answer" ("user_id");
CREATE INDEX "payee_answer_earlier_id" ON "payee_answer" ("earlier_id");
CREATE INDEX "payee_answer_question" ON "payee_answer" ("question");
"""
