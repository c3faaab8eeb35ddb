"""The names of before for a while: migrations older than the renaming are written in them."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import models
from models.dialect import drop_triggers, rename_column, rename_table, rename_values
from models.triggers import create_triggers


@contextmanager
def names_before() -> Iterator[None]:
    """Rename tables, columns and values back; afterwards migrate them forward again."""
    names = importlib.import_module("models.migrations.0009_field_names")
    drop_triggers()
    models.database.execute_sql("drop index one_live_order")
    for (table, column), values in names.VALUES.items():
        rename_values(table, column, {new: old for old, new in values.items()})
    for table, columns in names.COLUMNS.items():
        for old, new in columns.items():
            rename_column(table, new, old)
    for old, new in names.TABLES.items():
        rename_table(new, old)
    yield
    names.up(None, None)
    create_triggers()
