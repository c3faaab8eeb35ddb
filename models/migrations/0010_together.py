"""People who work together: invitations, four eyes, and lines that are hidden from preparers."""

from pathlib import Path

from peewee import SqliteDatabase


def up(migrator, db):
    dialect = "sqlite" if isinstance(db, SqliteDatabase) else "postgres"
    statements = (Path(__file__).parent / f"0010_together.{dialect}.sql").read_text().split(";\n")
    for statement in filter(str.strip, statements):
        db.execute_sql(statement)
