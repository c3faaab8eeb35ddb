"""Print the SQL that makes today's tables on an empty database: the body of a first migration.

    python tools/freeze_schema.py sqlite > models/migrations/0001_initial.sqlite.sql
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import peewee

import models


def statements(dialect: str) -> list[str]:
    sqlite = dialect == "sqlite"
    models.database.initialize(peewee.SqliteDatabase(":memory:") if sqlite else peewee.PostgresqlDatabase("unused"))
    lines = []
    for table in peewee.sort_models(models.TABLES):  # pyright: ignore
        schema = table._schema
        for context in (schema._create_table(safe=False), *schema._create_indexes(safe=False)):
            sql, values = context.query()
            assert not values, f"{table.__name__}: a literal is needed in {sql}"
            for start in ('"', "CHECK", "FOREIGN"):
                sql = sql.replace(f", {start}", f",\n  {start}")
            lines.append(sql)
    return lines


if __name__ == "__main__":
    print(";\n\n".join(statements(sys.argv[1])) + ";")
