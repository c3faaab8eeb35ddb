"""Where database, queue and files are: read, and refused here if no connection could ever be made with them."""

import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from redis import ConnectionPool

from config.reader import Reader

ESCAPES = "signs such as @ : / ? # % in user or password are written %40 %3A %2F %3F %23 %25"
DATABASE_FORM = f"must read like sqlite:////path or postgresql://user:password@host:5432/name; {ESCAPES}"
REDIS_FORM = f"must read like redis://user:password@host:6379/0 or unix:///path; {ESCAPES}"
# Folders that belong to the machine: the program closes its home folder to everybody else.
OF_THE_SYSTEM = {"/", "/var/lib", "/usr/local", *(f"/{name}" for name in (
    "bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys",
    "tmp", "usr", "var",
))}  # fmt: skip


def read_home(read: Reader, production: bool, default: Path) -> Path:
    """Return the folder of all that is written. Production names it, so that it never is the folder of the code."""
    given = read.text("HOME", None if production else str(default))
    home = Path(given).absolute()
    if production and given and not Path(given).is_absolute():
        read.refuse("HOME", "must be an absolute path in production")
    elif str(home) in OF_THE_SYSTEM or str(home).startswith(("/dev/", "/proc/", "/sys/")):
        read.refuse("HOME", "is a folder of the system: the program needs one of its own")
    elif home.exists() and not home.is_dir():
        read.refuse("HOME", "is not a folder")
    return home


def stores(read: Reader, production: bool, home: Path) -> dict:
    """Read the addresses of database and queue, and where the heads of the audit logs are kept."""
    url_file = home / "run" / "redis-url"  # URL of the launcher's embedded queue server
    embedded = url_file.read_text().strip() if url_file.is_file() else "redis://127.0.0.1:6379/0"
    found = {
        "database_url": read.text("DATABASE_URL", None if production else f"sqlite:///{home / 'bizcuit.db'}"),
        "redis_url": read.text("REDIS_URL", None if production else embedded),
        "audit_anchors": Path(read.text("AUDIT_ANCHORS", str(home / "audit-anchors.jsonl"))).absolute(),
    }
    if not read.is_refused("DATABASE_URL"):
        _check_database(read, found["database_url"], production)
    if not read.is_refused("REDIS_URL"):
        _check_redis(read, found["redis_url"])
    return found


def _check_database(read: Reader, url: str, production: bool) -> None:
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        if production and not url.startswith("sqlite:////"):
            read.refuse("DATABASE_URL", "must name the file by its absolute path in production: sqlite:////path")
        return
    parts = _parts(url)
    named = parts is not None and re.fullmatch(r"/[^/@]+", parts.path)
    if parts is None or parts.scheme not in ("postgres", "postgresql") or not named:
        read.refuse("DATABASE_URL", DATABASE_FORM)
        return
    try:
        make_conninfo("", **{name: values[-1] for name, values in parse_qs(parts.query).items()})
    except ProgrammingError:
        read.refuse("DATABASE_URL", "has an option behind the ? that PostgreSQL does not know")


def _check_redis(read: Reader, url: str) -> None:
    parts = _parts(url)
    if parts is None or not _names_a_queue(parts):
        read.refuse("REDIS_URL", REDIS_FORM)
        return
    try:
        ConnectionPool.from_url(url).make_connection()  # which connects to nothing yet
    except (TypeError, ValueError):
        read.refuse("REDIS_URL", "has an option behind the ? that the client does not know")


def _names_a_queue(parts: SplitResult) -> bool:
    if parts.scheme == "unix":
        return not parts.hostname and len(parts.path) > 1
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname and re.fullmatch(r"/?[0-9]*", parts.path))


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an address; None if user, password or host hold a sign that is to be escaped."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        return None
    stray = re.search(r"%(?![0-9A-Fa-f]{2})", parts.netloc)
    return None if stray or "#" in url or any(sign.isspace() for sign in url) else parts
