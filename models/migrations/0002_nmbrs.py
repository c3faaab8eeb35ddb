"""Nmbrs in full: debtors, checks, exchanges, the later interface, versions of a run, wage tax.

SQLite cannot change a check, so `run` is made anew there; for that its foreign keys are off meanwhile,
which only works outside a transaction.
"""

from pathlib import Path

from peewee import SqliteDatabase

atomic = False


def up(migrator, db):
    sqlite = isinstance(db, SqliteDatabase)
    dialect = "sqlite" if sqlite else "postgres"
    statements = (Path(__file__).parent / f"0002_nmbrs.{dialect}.sql").read_text().split(";\n")
    if sqlite:
        db.execute_sql("pragma foreign_keys = off")
    try:
        with db.atomic():
            for statement in filter(str.strip, statements):
                db.execute_sql(statement)
            if sqlite and db.execute_sql("pragma foreign_key_check").fetchall():
                raise RuntimeError("0002: a row points nowhere")
    finally:
        if sqlite:
            db.execute_sql("pragma foreign_keys = on")
