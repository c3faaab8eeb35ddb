"""What a client wants of its banks, what an order is written in, and where its bank may tell that it changed."""

from pathlib import Path

from peewee import SqliteDatabase


def up(migrator, db):
    dialect = "sqlite" if isinstance(db, SqliteDatabase) else "postgres"
    statements = (Path(__file__).parent / f"0006_per_bank.{dialect}.sql").read_text().split(";\n")
    for statement in filter(str.strip, statements):
        db.execute_sql(statement)
