"""Addresses: ids in them, and those that a page was given to go on to."""

from typing import Any
from urllib.parse import urlsplit

from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**31 - 1


class RowId(IntegerConverter):
    """A number that a row can have. A larger one is no address of ours: 404, and no error of the database."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_ID, **options})


def safe_local_path(address: str | None) -> str | None:
    """The address when it is a path of ours, else None: nobody is sent elsewhere from here (ASVS 3.7.2)."""
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if "\\" in address or not address.isprintable() or len(address) > 500:
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address
