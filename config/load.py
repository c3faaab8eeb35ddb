"""Read all settings and check them; production also by `config.production`."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.external_services import external_services
from config.files import check_files
from config.own_secrets import own_secrets
from config.production import check_production
from config.reader import ConfigError, Reader
from config.settings import Config
from connectors.web_push import PUSH_SERVICES

ROOT = Path(__file__).parent.parent


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Return all settings.

    Raises:
    - ConfigError: names every missing or invalid setting.
    """
    read = Reader(os.environ if environment is None else environment)
    production = read.choice("ENV", "development", "development", "production") == "production"
    home = Path(read.text("HOME", str(ROOT / "var"))).absolute()
    sandbox = read.text("SANDBOX_URL", f"http://127.0.0.1:{read.number('SANDBOX_PORT', 8001)}")
    port = read.number("PORT", 8000)
    base_url = read.text("BASE_URL", None if production else f"http://localhost:{port}").rstrip("/")
    settings = Config(
        production=production, home=home, sandbox_url=sandbox, base_url=base_url,
        hook_url=read.text("HOOK_URL", base_url.replace("//localhost", "//127.0.0.1")).rstrip("/"),
        **external_services(read, production, sandbox), **_stores(read, home), **_mail(read, production),
        **own_secrets(read, production, home),
        push_services=_push_services(read),
        limit_payment_cents=read.number("LIMIT_PAYMENT_CENTS", 100_000_00),
        limit_day_cents=read.number("LIMIT_DAY_CENTS", 250_000_00),
        poll_seconds=read.number("POLL_SECONDS", 3600),
        kept_years=read.number("KEPT_YEARS", 7),
        proxies=read.number("PROXIES", 0),
    )  # fmt: skip
    check_files(read, settings)
    if production:
        check_production(read, settings)
    if read.faults:
        raise ConfigError(*read.faults)
    return settings


@contextmanager
def exit_on_faults(code: int = 1) -> Iterator[None]:
    """End the program with a line for each fault in the settings, instead of a traceback."""
    try:
        yield
    except ConfigError as error:
        print(*error.faults, sep="\n", file=sys.stderr)  # noqa: T201 (the logs are not set up yet)
        sys.exit(code)


def _stores(read: Reader, home: Path) -> dict:
    url_file = home / "run" / "redis-url"  # URL of the launcher's embedded queue server
    embedded = url_file.read_text().strip() if url_file.exists() else "redis://127.0.0.1:6379/0"
    found = {
        "database_url": read.text("DATABASE_URL", f"sqlite:///{home / 'bizcuit.db'}"),
        "redis_url": read.text("REDIS_URL", embedded),
        "audit_anchors": Path(read.text("AUDIT_ANCHORS", str(home / "audit-anchors.jsonl"))).absolute(),
    }
    if not re.match(r"sqlite:///.|postgres(ql)?://.+/.", found["database_url"]):
        read.refuse("DATABASE_URL", "must read like sqlite:////path or postgresql://user:password@host:5432/name")
    if not re.match(r"(rediss?|unix)://.", found["redis_url"]):
        read.refuse("REDIS_URL", "must read like redis://host:6379/0 or unix:///path")
    return found


def _mail(read: Reader, production: bool) -> dict:
    return {
        "smtp_host": read.text("SMTP_HOST", None if production else "127.0.0.1"),
        "smtp_port": read.number("SMTP_PORT", 587 if production else 8002),
        "smtp_user": read.text("SMTP_USER", ""),
        "smtp_password": read.text("SMTP_PASSWORD", ""),
        "smtp_starttls": read.choice("SMTP_STARTTLS", "yes" if production else "no", "yes", "no") == "yes",
        "mail_from": read.text("MAIL_FROM", "Bizcuit <noreply@bizcuit.nl>"),
        "support_email": read.text("SUPPORT_EMAIL", "support@bizcuit.nl"),
    }


def _push_services(read: Reader) -> tuple[str, ...]:
    """Return the hosts that push messages may be sent to, separated by commas; "*." allows all subdomains."""
    named = [part.strip().lower() for part in read.text("PUSH_SERVICES", ",".join(PUSH_SERVICES)).split(",")]
    for service in named:
        if not re.fullmatch(r"(\*\.)?([a-z0-9-]+\.)+[a-z][a-z0-9-]+", service):
            read.refuse("PUSH_SERVICES", "must be host names, apart by commas")
    return tuple(named)
