"""Addresses that a page was given to go on to."""

from urllib.parse import urlsplit


def own_path(address: str | None) -> str | None:
    """The address when it is a path of ours, else None: nobody is sent elsewhere from here (ASVS 3.7.2)."""
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if "\\" in address or not address.isprintable() or len(address) > 500:
        return None
    parts = urlsplit(address)
    return None if parts.scheme or parts.netloc else address
