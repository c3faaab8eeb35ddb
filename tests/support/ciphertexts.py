"""Where ciphertexts stand in the database, found by what they look like."""

from functools import cache

from peewee import TextField

from core.encryption import DecryptionFailed
from domain.common.services import services
from domain.operations.key_rotation import encrypted_fields
from models import TABLES, database
from models.base import EncryptedField


def misplaced_ciphertexts() -> list[str]:
    """Return the columns, as table.column, that hold something like a ciphertext but are of another type."""
    return [name for (name,) in database.execute_sql(_misplaced()).fetchall()]


@cache
def _misplaced() -> str:
    """Return one statement over every text column, as this runs after nearly every test."""
    columns = [(table._meta.table_name, one.column_name) for table in TABLES for one in table._meta.sorted_fields
               if isinstance(one, TextField) and not isinstance(one, EncryptedField)]  # fmt: skip
    return " union all ".join(
        f"""select '{table}.{column}' where exists (select 1 from "{table}" where "{column}" like 'v1:%%:%%:%%')"""
        for table, column in columns
    )


def unreadable_ciphertexts() -> list[str]:
    """Return the values that the context of their column does not decrypt; those of foreign keys are not looked at."""
    keyring, found = services().keyring, []
    filled = {name for (name,) in database.execute_sql(_filled()).fetchall()}
    for field in encrypted_fields():
        if field.model._meta.table_name not in filled:
            continue
        for row in field.model.select().where(field.is_null(False), field != ""):
            ciphertext = getattr(row, field.name)
            if ciphertext.count(":") == 3 and ciphertext.split(":")[1] in keyring.keys:
                try:
                    keyring.decrypt(ciphertext, field.context(row))
                except DecryptionFailed:
                    found.append(f"{field.model.__name__}.{field.name}")
    return found


@cache
def _filled() -> str:
    """Return a statement that names the tables with ciphertexts that have a row."""
    tables = sorted({field.model._meta.table_name for field in encrypted_fields()})
    return " union all ".join(f"""select '{table}' where exists (select 1 from "{table}")""" for table in tables)


def check_ciphertexts() -> None:
    """Assert that rotation would find and open every ciphertext of this database."""
    if not database.is_closed():
        assert misplaced_ciphertexts() == [], "a ciphertext in a column that is no EncryptedField"
        assert unreadable_ciphertexts() == [], "the context of the column is not the one it was encrypted for"
