"""Read all settings and check them; production also by `config.production`."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.environment import is_production
from config.external_services import external_services
from config.files import check_files
from config.own_secrets import own_secrets
from config.production import check_production
from config.reader import ConfigError, Reader
from config.settings import Config
from config.stores import read_home, stores
from connectors.web_push import PUSH_SERVICES

ROOT = Path(__file__).parent.parent
PORTS = 65535
MOST_PROXIES = 10


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Return all settings.

    Raises:
    - ConfigError: names every missing or invalid setting; beside them, in production, every variable that is none.
    """
    read = Reader(os.environ if environment is None else environment)
    settings = _read_all(read)
    if read.faults:
        raise ConfigError(*read.faults, *(_unknown(read) if settings.production else ()))
    return settings


def unknown_settings(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence for each variable with our prefix that is no setting: a misspelt one would do nothing."""
    read = Reader(os.environ if environment is None else environment)
    _read_all(read)
    return _unknown(read)


def _unknown(read: Reader) -> list[str]:
    return read.unknown(besides=("OPERATOR_TOKEN",))


def _read_all(read: Reader) -> Config:
    """Return all settings, and note what is wrong with them."""
    production = is_production(read)
    home = read_home(read, production, ROOT / "var")
    sandbox = read.text("SANDBOX_URL", f"http://127.0.0.1:{read.number('SANDBOX_PORT', 8001, most=PORTS)}")
    port = read.number("PORT", 8000, most=PORTS)
    base_url = read.text("BASE_URL", None if production else f"http://localhost:{port}").rstrip("/")
    settings = Config(
        production=production, home=home, sandbox_url=sandbox, base_url=base_url,
        hook_url=read.text("HOOK_URL", base_url.replace("//localhost", "//127.0.0.1")).rstrip("/"),
        **external_services(read, production, sandbox), **stores(read, production, home), **_mail(read, production),
        **own_secrets(read, production, home),
        push_services=_push_services(read),
        limit_payment_cents=read.number("LIMIT_PAYMENT_CENTS", 100_000_00),
        limit_day_cents=read.number("LIMIT_DAY_CENTS", 250_000_00),
        poll_seconds=read.number("POLL_SECONDS", 3600),
        kept_years=read.number("KEPT_YEARS", 7),
        proxies=read.number("PROXIES", 0, most=MOST_PROXIES),
        log_json=read.choice("LOG", "json" if production else "text", "json", "text") == "json",
    )  # fmt: skip
    check_files(read, settings)
    if production:
        check_production(read, settings)
    return settings


@contextmanager
def exit_on_faults(code: int = 1) -> Iterator[None]:
    """End the program with a line for each fault in the settings, instead of a traceback."""
    try:
        yield
    except ConfigError as error:
        print(*error.faults, sep="\n", file=sys.stderr)  # noqa: T201 (the logs are not set up yet)
        sys.exit(code)


def _mail(read: Reader, production: bool) -> dict:
    return {
        "smtp_host": read.text("SMTP_HOST", None if production else "127.0.0.1"),
        "smtp_port": read.number("SMTP_PORT", 587 if production else 8002, most=PORTS),
        "smtp_user": read.text("SMTP_USER", ""),
        "smtp_password": read.text("SMTP_PASSWORD", ""),
        "smtp_starttls": read.choice("SMTP_STARTTLS", "yes" if production else "no", "yes", "no") == "yes",
        "mail_from": _address(read, "MAIL_FROM", "Bizcuit <noreply@bizcuit.nl>"),
        "support_email": _address(read, "SUPPORT_EMAIL", "support@bizcuit.nl"),
    }


def _address(read: Reader, name: str, default: str) -> str:
    value = read.text(name, default)
    if not re.fullmatch(r"([^<>\r\n]*<)?[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+(?(1)>)", value) and not read.is_refused(name):
        read.refuse(name, "must be an e-mail address")
    return value


def _push_services(read: Reader) -> tuple[str, ...]:
    """Return the hosts that push messages may be sent to, separated by commas; "*." allows all subdomains."""
    named = [part.strip().lower() for part in read.text("PUSH_SERVICES", ",".join(PUSH_SERVICES)).split(",")]
    for service in named:
        if not re.fullmatch(r"(\*\.)?([a-z0-9-]+\.)+[a-z][a-z0-9-]+", service):
            read.refuse("PUSH_SERVICES", "must be host names, apart by commas")
    return tuple(named)
