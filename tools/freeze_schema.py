"""Print the SQL that makes today's tables on an empty database: the body of a first migration.

    python tools/freeze_schema.py sqlite > models/migrations/0001_initial.sqlite.sql
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from peewee import PostgresqlDatabase, SqliteDatabase, sort_models  # noqa: E402

import models  # noqa: E402


def statements(dialect: str) -> list[str]:
    models.database.initialize(SqliteDatabase(":memory:") if dialect == "sqlite" else PostgresqlDatabase("unused"))
    lines = []
    for table in sort_models(models.TABLES):
        schema = table._schema
        for context in (schema._create_table(safe=False), *schema._create_indexes(safe=False)):
            sql, values = context.query()
            assert not values, f"{table.__name__}: a literal is needed in {sql}"
            lines.append(sql.replace(", \"", ",\n  \"").replace(", CHECK", ",\n  CHECK").replace(", FOREIGN", ",\n  FOREIGN"))
    return lines


if __name__ == "__main__":
    print(";\n\n".join(statements(sys.argv[1])) + ";")
