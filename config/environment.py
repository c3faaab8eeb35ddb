"""Which environment these settings are of: production is named, and never read as development because it was not."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from config.own_secrets import OWN
from config.production import ADDRESSES, is_loopback
from config.reader import PREFIX, Reader

KINDS = ("development", "production")
AS_PRODUCTION = "(checked here as production)"


def is_production(read: Reader) -> bool:
    """Return whether these are settings of production.

    With none named, these are of development only if nothing in them looks like production. In doubt the answer is yes:
    then no secret is generated, and no default of development is used.
    """
    named = read.text("ENV", "")
    if named and named not in KINDS:
        read.refuse("ENV", f"must be one of {', '.join(KINDS)} {AS_PRODUCTION}")
    elif not named and not read.is_refused("ENV") and (sign := next(_signs(read), None)):
        read.refuse("ENV", f"is not set, but {PREFIX}{sign}: set it to one of {', '.join(KINDS)} {AS_PRODUCTION}")
    return named == "production" or read.is_refused("ENV")


def _signs(read: Reader) -> Iterator[str]:
    """Yield what looks like production: a setting, and what it does."""
    for name in ADDRESSES:
        if read.text(name, "").lower().startswith("https://"):
            yield f"{name} is an https address"
    if read.text("DATABASE_URL", "").startswith("postgres"):
        yield "DATABASE_URL names PostgreSQL"
    if _is_elsewhere(read.text("REDIS_URL", "")):
        yield "REDIS_URL names another machine"
    if (host := read.text("SMTP_HOST", "")) and not is_loopback(host):
        yield "SMTP_HOST names another machine"
    for name in OWN:
        if read.text(name, ""):
            yield f"{name} is set"


def _is_elsewhere(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return True
    return url.startswith("rediss://") or bool(host and not is_loopback(host))
