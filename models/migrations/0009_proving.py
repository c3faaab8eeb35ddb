"""How people prove who they are: devices, passkeys, challenges, attempts; the pin's lock is of one device."""

from pathlib import Path

from peewee import SqliteDatabase


def up(migrator, db):
    dialect = "sqlite" if isinstance(db, SqliteDatabase) else "postgres"
    statements = (Path(__file__).parent / f"0009_proving.{dialect}.sql").read_text().split(";\n")
    for statement in filter(str.strip, statements):
        db.execute_sql(statement)
