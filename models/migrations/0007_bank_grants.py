"""The keys that customers give us to a bank of theirs (Ponto): tokens, sealed."""

from pathlib import Path

from peewee import SqliteDatabase


def up(migrator, db):
    dialect = "sqlite" if isinstance(db, SqliteDatabase) else "postgres"
    statements = (Path(__file__).parent / f"0007_bank_grants.{dialect}.sql").read_text().split(";\n")
    for statement in filter(str.strip, statements):
        db.execute_sql(statement)
