"""Encrypt again, with the primary key, what an older key encrypted. Every column is found by its type.

A value that no key of the ring decrypts stays as it is, and is counted: the old key is then still needed.
"""

from collections.abc import Iterator
from typing import Any

from peewee import fn

from core.encryption import DecryptionFailed
from domain.common.services import services
from models import TABLES
from models.base import EncryptedField

ROWS_AT_ONCE = 500


def encrypted_fields() -> Iterator[EncryptedField]:
    """Yield every column that holds ciphertexts."""
    for table in TABLES:
        yield from (field for field in table._meta.sorted_fields if isinstance(field, EncryptedField))


def rotate_keys() -> int:
    """Encrypt each value that is under another key with the primary one; return how many were."""
    return sum(_encrypt_again(field, row) for field in encrypted_fields() for row in _rows_under_other_keys(field))


def under_other_keys() -> dict[str, int]:
    """Return by column how many values are not under the primary key: after a rotation, those that no key decrypts."""
    counted = {}
    for field in encrypted_fields():
        if count := field.model.select().where(_is_under_other(field)).count():
            counted[f"{field.model._meta.table_name}.{field.column_name}"] = count
    return counted


def _is_under_other(field: EncryptedField) -> Any:
    mark = services().keyring.mark
    return field.is_null(False) & (field != "") & (fn.substr(field, 1, len(mark)) != mark)


def _rows_under_other_keys(field: EncryptedField) -> Iterator[Any]:
    """Yield the rows whose value is to be encrypted again, a part of the table at a time."""
    table, key = field.model, field.model._meta.primary_key
    rows = list(table.select().where(_is_under_other(field)).order_by(key).limit(ROWS_AT_ONCE))
    while rows:
        yield from rows
        beyond = key > getattr(rows[-1], key.name)
        rows = list(table.select().where(_is_under_other(field), beyond).order_by(key).limit(ROWS_AT_ONCE))


def _encrypt_again(field: EncryptedField, row: Any) -> int:
    """Return 1 if the value was replaced, 0 if no key decrypts it or somebody has replaced it meanwhile."""
    keyring, ciphertext, context = services().keyring, getattr(row, field.name), field.context(row)
    try:
        renewed = keyring.encrypt(keyring.decrypt(ciphertext, context), context)
    except DecryptionFailed:
        return 0
    key = field.model._meta.primary_key
    this = (key == getattr(row, key.name)) & (field == ciphertext)
    return field.model.update({field.name: renewed}).where(this).execute()
