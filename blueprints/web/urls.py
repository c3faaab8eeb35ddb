"""Addresses: ids and the client in them, and those that a page was given to go on to."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g
from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**31 - 1


class RowId(IntegerConverter):
    """A number that a row can have. A larger one is no address of ours: 404, and no error of the database."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_ID, **options})


def _add_client(endpoint: str, values: dict[str, Any]) -> None:
    """Default the client in an address to the one whose page is being answered; another one is named explicitly."""
    client = g.get("client")
    if client is None or "client" in values:
        return
    if current_app.url_map.is_endpoint_expecting(endpoint, "client"):
        values["client"] = client.public_id


def init_urls(app: Flask) -> None:
    """Ids that a row can have, and `url_for` that knows the client; before the blueprints are registered."""
    app.url_map.converters["int"] = RowId
    app.url_defaults(_add_client)


def safe_local_path(address: str | None) -> str | None:
    """The address when it is a path of ours, else None: nobody is sent elsewhere from here (ASVS 3.7.2)."""
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if "\\" in address or not address.isprintable() or len(address) > 500:
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address
