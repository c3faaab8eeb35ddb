"""URLs: ids, the client, and safe redirect targets."""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Flask, current_app, g
from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**31 - 1


class RowId(IntegerConverter):
    """An id within the range of the database; a larger one is 404 instead of a database error."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_ID, **options})


def _add_client(endpoint: str, values: dict[str, Any]) -> None:
    """Default `client` in a URL to the current client."""
    client = g.get("client")
    if client is None or "client" in values:
        return
    if current_app.url_map.is_endpoint_expecting(endpoint, "client"):
        values["client"] = client.public_id


def init_urls(app: Flask) -> None:
    """Add the id converter and the default client; call before registering blueprints."""
    app.url_map.converters["int"] = RowId
    app.url_defaults(_add_client)


def split_address(address: str) -> SplitResult:
    """Return the parts of a URL from outside; all are empty if it is malformed, such as "http://["."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def safe_local_path(address: str | None) -> str | None:
    """Return the URL if it is a local path, else None, to prevent open redirects (ASVS 3.7.2)."""
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if "\\" in address or not address.isprintable() or len(address) > 500:
        return None
    parts = split_address(address)
    return None if parts.scheme or parts.netloc else address
