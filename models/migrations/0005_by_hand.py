"""Orders that a person takes to the bank as a file, and each time that somebody took the file."""

from pathlib import Path

from peewee import SqliteDatabase


def up(migrator, db):
    dialect = "sqlite" if isinstance(db, SqliteDatabase) else "postgres"
    statements = (Path(__file__).parent / f"0005_by_hand.{dialect}.sql").read_text().split(";\n")
    for statement in filter(str.strip, statements):
        db.execute_sql(statement)
