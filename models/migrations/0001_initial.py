"""Every table of the first release, as frozen SQL: later migrations start from here, not from today's models."""

from pathlib import Path

from peewee import SqliteDatabase


def up(migrator, db):
    dialect = "sqlite" if isinstance(db, SqliteDatabase) else "postgres"
    for statement in (Path(__file__).parent / f"0001_initial.{dialect}.sql").read_text().split(";\n"):
        if statement.strip():
            db.execute_sql(statement)
