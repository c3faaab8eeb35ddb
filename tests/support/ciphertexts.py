"""Where ciphertexts stand in the database, found by what they look like."""

from functools import reduce
from operator import or_

from peewee import TextField

from core.encryption import DecryptionFailed
from domain.common.services import services
from domain.operations.key_rotation import encrypted_fields
from models import TABLES, database
from models.base import EncryptedField


def misplaced_ciphertexts() -> list[str]:
    """Return the columns, as table.column, that hold something like a ciphertext but are of another type."""
    found = []
    for table in TABLES:
        texts = [one for one in table._meta.sorted_fields if isinstance(one, TextField)]
        others = [one for one in texts if not isinstance(one, EncryptedField)]
        if not others:
            continue
        looks = {one: one ** "%v1:%:%:%" for one in others}
        if table.select().where(reduce(or_, looks.values())).exists():
            hit = [one.name for one, like in looks.items() if table.select().where(like).exists()]
            found += [f"{table.__name__}.{name}" for name in hit]
    return found


def unreadable_ciphertexts() -> list[str]:
    """Return the values that the context of their column does not decrypt; those of foreign keys are not looked at."""
    keyring, found = services().keyring, []
    for field in encrypted_fields():
        for row in field.model.select().where(field.is_null(False), field != ""):
            ciphertext = getattr(row, field.name)
            if ciphertext.count(":") == 3 and ciphertext.split(":")[1] in keyring.keys:
                try:
                    keyring.decrypt(ciphertext, field.context(row))
                except DecryptionFailed:
                    found.append(f"{field.model.__name__}.{field.name}")
    return found


def check_ciphertexts() -> None:
    """Assert that rotation would find and open every ciphertext of this database."""
    if not database.is_closed():
        assert misplaced_ciphertexts() == [], "a ciphertext in a column that is no EncryptedField"
        assert unreadable_ciphertexts() == [], "the context of the column is not the one it was encrypted for"
