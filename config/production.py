"""What production refuses besides missing settings: clear text to another machine, shared or known secrets."""

import ipaddress
from collections.abc import Iterator
from itertools import combinations
from urllib.parse import parse_qs, unquote, urlsplit

from config.external_services import SANDBOX_CREDENTIALS
from config.files import banks_of
from config.own_secrets import OWN, known_development_secrets
from config.reader import PREFIX, Reader
from config.settings import Config
from config.strength import bare, is_plain_word, repeats_itself

ADDRESSES = (
    "BASE_URL", "HOOK_URL", "NMBRS_URL", "NMBRS_REST_URL", "NMBRS_AUTHORITY", "PONTO_URL", "PONTO_AUTHORITY",
    "OIDC_ISSUER", "KVK_URL", "NAMES_URL",
)  # fmt: skip
# Credentials that another party issued to us: their form is theirs, so only plain carelessness is refused.
ISSUED = (
    "OIDC_CLIENT_SECRET", "KVK_KEY", "NMBRS_CLIENT_SECRET", "NMBRS_SUBSCRIPTION_KEY", "PONTO_CLIENT_SECRET",
    "NAMES_CLIENT_SECRET", "SMTP_PASSWORD",
)  # fmt: skip
IDS = ("OIDC_CLIENT_ID", "NMBRS_CLIENT_ID", "PONTO_CLIENT_ID", "NAMES_CLIENT_ID")
FEWEST_DISTINCT = 5
FISCAL_YEARS = 7
LEAST_POLL_SECONDS = 60  # Nmbrs is asked about every company each time


def check_production(read: Reader, settings: Config) -> None:
    """Note everything that makes these settings unfit for production."""
    _require_https(read, settings)
    _require_bare_address(read, settings)
    _require_private_stores(read, settings)
    _require_private_mail(read, settings)
    _refuse_sandbox_credentials(read, settings)
    _refuse_careless_credentials(read, settings)
    _refuse_equal_secrets(read, settings)
    _require_banks_over_https(read, settings)
    _require_fiscal_retention(read, settings)
    _require_patience(read, settings)


def _given(settings: Config, name: str) -> str:
    value = getattr(settings, name.lower())
    return value.decode() if isinstance(value, bytes) else value


# --- addresses ------------------------------------------------------------------------------------
def _require_https(read: Reader, settings: Config) -> None:
    for name in ADDRESSES:
        value = _given(settings, name)
        if value and not _is_https(value):
            read.refuse(name, "must be https in production: an address with a host, without user, query or fragment")


def _require_bare_address(read: Reader, settings: Config) -> None:
    """Require that pages stand at the root: cookies with the prefix __Host- have no other path (RFC 6265bis)."""
    if not read.is_refused("BASE_URL") and urlsplit(settings.base_url).path:
        read.refuse("BASE_URL", "must have no path")


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        return False
    plain = not parts.query and not parts.fragment and "@" not in parts.netloc
    return parts.scheme == "https" and bool(parts.hostname) and plain


def _require_banks_over_https(read: Reader, settings: Config) -> None:
    if "://" in settings.banks:
        read.refuse("BANKS", "must be a file in production")
        return
    for bank in banks_of(read, settings.banks):
        if not _is_https(bank.base_url):
            read.refuse("BANKS", f"has an address of {bank.id} that is not https")


def _require_fiscal_retention(read: Reader, settings: Config) -> None:
    """Payroll records must be kept for seven years (Algemene wet inzake rijksbelastingen, art. 52, paragraph 4)."""
    if settings.kept_years < FISCAL_YEARS:
        read.refuse("KEPT_YEARS", f"must be {FISCAL_YEARS} or more in production")


def _require_patience(read: Reader, settings: Config) -> None:
    if settings.poll_seconds < LEAST_POLL_SECONDS and not read.is_refused("POLL_SECONDS"):
        read.refuse("POLL_SECONDS", f"must be {LEAST_POLL_SECONDS} or more in production")


def _require_private_stores(read: Reader, settings: Config) -> None:
    """Require that database and queue on another machine are reached over TLS, with a certificate that is checked.

    Wages, and what decides who may do what, pass this way (OWASP ASVS 5.0, 12.3.1 and 12.3.2).
    """
    host, options = _host_and_options(settings.database_url)
    elsewhere = _is_elsewhere(host, options) and not read.is_refused("DATABASE_URL")
    if elsewhere and options.get("sslmode") != "verify-full":
        read.refuse("DATABASE_URL", "must end with ?sslmode=verify-full in production, unless it is on this machine")
    host, options = _host_and_options(settings.redis_url)
    checked = settings.redis_url.startswith("rediss://") and options.get("ssl_cert_reqs", "required") == "required"
    unchecked_name = options.get("ssl_check_hostname", "true").lower() not in ("true", "1", "yes")
    elsewhere = _is_elsewhere(host, options) and not read.is_refused("REDIS_URL")
    if elsewhere and (not checked or unchecked_name):
        read.refuse("REDIS_URL", "must be rediss:// with its certificate checked, unless it is on this machine")


def _host_and_options(url: str) -> tuple[str, dict[str, str]]:
    """Return host and options of the address of a store; of one that is malformed nothing, which is refused elsewhere.
    """
    try:
        parts = urlsplit(url)
        return parts.hostname or "", {name: values[-1] for name, values in parse_qs(parts.query).items()}
    except ValueError:
        return "", {}


def _is_elsewhere(host: str, options: dict[str, str]) -> bool:
    """Return whether a store is on another machine: neither on loopback nor on a socket or in a file of this one."""
    hosts = [one for text in (host, options.get("host", ""), options.get("hostaddr", "")) for one in text.split(",")]
    return any(one and not one.startswith("/") and not is_loopback(one) for one in hosts)


def _require_private_mail(read: Reader, settings: Config) -> None:
    """Mail carries links that sign people in: it may pass in clear text to a relay on this machine only."""
    if not settings.smtp_starttls and settings.smtp_host and not is_loopback(settings.smtp_host):
        read.refuse("SMTP_STARTTLS", "must be yes in production, unless BIZCUIT_SMTP_HOST is this machine")
    if settings.smtp_user and not settings.smtp_password:
        read.refuse("SMTP_PASSWORD", "is not set, but BIZCUIT_SMTP_USER is")


def is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# --- secrets --------------------------------------------------------------------------------------
def _refuse_sandbox_credentials(read: Reader, settings: Config) -> None:
    known = set(SANDBOX_CREDENTIALS.values())
    for name in (*IDS, *ISSUED):
        if _given(settings, name) in known:
            read.refuse(name, "is a credential of the sandbox, which everybody knows")


def _refuse_careless_credentials(read: Reader, settings: Config) -> None:
    for name in ISSUED:
        value = _given(settings, name)
        if value and _is_careless(value) and not read.is_refused(name):
            read.refuse(name, "can be guessed: it repeats itself, has too few distinct characters or is a plain word")
    for name, password in _store_passwords(settings):
        if _is_careless(password):
            read.refuse(name, "has a password that can be guessed")


def _is_careless(value: str) -> bool:
    codes = [ord(letter) for letter in value]
    return len(set(codes)) < FEWEST_DISTINCT or repeats_itself(codes) or is_plain_word(value)


def _store_passwords(settings: Config) -> Iterator[tuple[str, str]]:
    """Yield the password in the address of the database and of the queue, where one stands there."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        try:
            password = unquote(urlsplit(_given(settings, name)).password or "")
        except ValueError:  # which is refused elsewhere
            continue
        if password:
            yield name, password


def _refuse_equal_secrets(read: Reader, settings: Config) -> None:
    """Refuse two secrets that are equal, and those that development generated in this home folder."""
    found = list(_secrets(settings))
    for (left, one), (right, other) in combinations(found, 2):
        if one == other:
            read.refuse(left, f"and {PREFIX}{right} are equal: each secret must be its own")
    generated = {bare(value) for value in known_development_secrets(settings.home).values()}
    for name, value in found:
        if value in generated:
            read.refuse(name, "was generated for development, and is in secrets.json of BIZCUIT_HOME")


def _secrets(settings: Config) -> Iterator[tuple[str, bytes]]:
    """Yield every secret that is set, by its name: a data key as DATA_KEYS with the key's own name behind it, a
    password in an address as that of the address."""
    for name in (*OWN, "METRICS_TOKEN", *ISSUED):
        if name == "DATA_KEYS":
            yield from ((f"DATA_KEYS ({key_id})", key) for key_id, key in settings.data_keys.items())
        elif value := _given(settings, name):
            yield name, bare(value)
    for name, password in _store_passwords(settings):
        yield f"{name} (password)", bare(password)
