"""What is owed to each person of a run, made for the runs that are known from the lines of their payments.

A line that was not overtaken by a newer version is owed, less what the run says was paid too much. So everything that
was paid counts, and nothing that was paid can be paid again.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime

from core.names import normalise_name
from models.base import database
from models.schema import run_script


def up(migrator, db):
    run_script(TABLE)
    fill()


def fill():
    for run_id, version, overpaid, state in database.execute_sql(RUNS).fetchall():
        lines = database.execute_sql(LINES.replace("?", database.obj.param), (run_id,)).fetchall()
        too_much = {(normalise_name(name), iban): cents for name, iban, cents in json.loads(overpaid or "[]")}
        _make(run_id, version is None or state == "vanished", lines, too_much)


def _make(run_id, suspended, lines, too_much):
    people = defaultdict(list)
    for line in lines:
        people[normalise_name(line[2])].append(line)
    for person, theirs in people.items():
        due = _insert(run_id, person, theirs[-1][2], _owed(person, theirs, too_much), suspended)
        mark = database.obj.param
        for part in range(0, len(theirs), 500):
            ids = [line[0] for line in theirs[part : part + 500]]
            marks = ", ".join([mark] * len(ids))
            database.execute_sql(f"update batch_line set due_id = {mark} where id in ({marks})", (due, *ids))  # noqa: S608


def _owed(person, lines, too_much):
    """The lines of the newest version as far as payments tell it: one for each account, when it was paid in parts."""
    accounts = defaultdict(list)
    for line in lines:
        if line[7] != SUPERSEDED:
            accounts[line[6]].append(line)
    owed = []
    for iban, theirs in accounts.items():
        less, whole = too_much.get((person, iban), 0), sum(line[8] for line in theirs)
        if not less and len({line[1] for line in theirs}) == 1:
            owed += [[line[9], *line[2:6], iban, line[8]] for line in theirs]
        elif whole > less:
            owed.append([theirs[-1][9], *theirs[-1][2:6], iban, whole - less])
    return owed


def _insert(run_id, person, name, owed, suspended):
    now = datetime.now(UTC).replace(tzinfo=None)
    values = (run_id, person, name, sum(line[-1] for line in owed), json.dumps(owed, sort_keys=True,
              separators=(",", ":")), now if suspended else None, now, now)
    return database.execute_sql(INSERT.replace("?", database.obj.param), values).fetchone()[0]


SUPERSEDED = "void"
RUNS = "select id, version, overpaid, state from run where id in (select run_id from batch)"
LINES = """
select l.id, l.batch_id, l.name_shown, l.name_sent, l.description_shown, l.description_sent, l.iban, l.state,
  l.amount_cents, l.position
from batch_line l join batch b on b.id = l.batch_id where b.run_id = ? order by l.batch_id, l.position
"""
INSERT = """
insert into due (run_id, person, name, owed_cents, lines, suspended_at, created_at, updated_at)
values (?, ?, ?, ?, ?, ?, ?, ?) returning id
"""

TABLE = """
CREATE TABLE "due" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "run_id" INTEGER NOT NULL,
  "person" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "employee" TEXT,
  "owed_cents" BIGINT NOT NULL,
  "lines" TEXT NOT NULL,
  "version" TEXT,
  "suspended_at" TIMESTAMP,
  "created_at" TIMESTAMP NOT NULL,
  "updated_at" TIMESTAMP NOT NULL,
  FOREIGN KEY ("run_id") REFERENCES "run" ("id"),
  CHECK (owed_cents >= 0)
);
CREATE INDEX "due_run_id" ON "due" ("run_id");
CREATE UNIQUE INDEX "due_run_id_person" ON "due" ("run_id", "person");
ALTER TABLE "batch_line" ADD COLUMN "due_id" INTEGER REFERENCES "due" ("id");
CREATE INDEX "batch_line_due_id" ON "batch_line" ("due_id");
"""
