"""The settings: read once from the environment (prefix BIZCUIT_, each also as …_FILE) and checked at start.

In development a missing secret is generated once and kept in the home folder; production requires its own.
"""

import json
import os
import re
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connectors.identity.profiles import DEFAULT, FIELDS, PROFILES
from connectors.web_push import PUSH_SERVICES, WebPushClient

PREFIX = "BIZCUIT_"
ROOT = Path(__file__).parent


class ConfigError(Exception):
    """A setting is missing or invalid; the message names it."""


@dataclass(frozen=True)
class Config:
    """All settings. Limits are integer cents, `poll_seconds` is seconds."""

    production: bool
    home: Path
    database_url: str
    redis_url: str
    base_url: str
    hook_url: str
    sandbox_url: str
    banks: str
    bank_key: str
    bank_certificate: str
    bank_tls_key: str
    bank_tls_certificate: str
    nmbrs_url: str
    nmbrs_rest_url: str
    nmbrs_authority: str
    nmbrs_client_id: str
    nmbrs_client_secret: str = field(repr=False)
    nmbrs_subscription_key: str = field(repr=False)
    nmbrs_scopes: str
    ponto_url: str
    ponto_authority: str
    ponto_client_id: str
    ponto_client_secret: str = field(repr=False)
    ponto_tls_key: str
    ponto_tls_certificate: str
    ponto_signature_key: str
    ponto_signature_key_id: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = field(repr=False)
    oidc_profile: str
    oidc_scopes: str
    oidc_acr: str
    oidc_claims: dict[str, str]
    oidc_accepted: dict[str, tuple[str, ...]]
    kvk_url: str
    kvk_key: str = field(repr=False)
    kvk_certificate: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str = field(repr=False)
    smtp_starttls: bool
    mail_from: str
    support_email: str
    push_key: str = field(repr=False)
    push_services: tuple[str, ...]
    session_key: str = field(repr=False)
    lookup_key: bytes = field(repr=False)
    pin_pepper: bytes = field(repr=False)
    data_keys: dict[str, bytes] = field(repr=False)
    data_key: str
    limit_payment_cents: int
    limit_day_cents: int
    poll_seconds: int
    metrics_token: str = field(repr=False)
    proxies: int


class _Reader:
    """Reads single settings by name."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str | None = None) -> str:
        path = self._environment.get(f"{PREFIX}{name}_FILE")
        if path:
            try:
                return Path(path).read_text().strip()
            except OSError as error:
                raise ConfigError(f"{PREFIX}{name}_FILE cannot be read: {error.strerror}") from error
        value = self._environment.get(f"{PREFIX}{name}") or default
        if value is None:
            raise ConfigError(f"{PREFIX}{name} is not set")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,12}", value):
            raise ConfigError(f"{PREFIX}{name} must be a whole number, not below zero")
        return int(value)

    def pairs(self, name: str) -> dict[str, str]:
        """Return a setting of `name=value` pairs, separated by commas."""
        found = {}
        for part in filter(None, map(str.strip, self.text(name, "").split(","))):
            key, is_pair, value = part.partition("=")
            if not is_pair or not key.strip():
                raise ConfigError(f"{PREFIX}{name} must hold name=value pairs, apart by commas")
            found[key.strip()] = value.strip()
        return found

    def choice(self, name: str, default: str, *allowed: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise ConfigError(f"{PREFIX}{name} must be one of {', '.join(allowed)}")
        return value


def load(environment: Mapping[str, str] | None = None) -> Config:
    """Return all settings.

    Raises:
    - ConfigError: names the first invalid setting.
    """
    read = _Reader(os.environ if environment is None else environment)
    production = read.choice("ENV", "development", "development", "production") == "production"
    home = Path(read.text("HOME", str(ROOT / "var"))).absolute()
    sandbox = read.text("SANDBOX_URL", f"http://127.0.0.1:{read.number('SANDBOX_PORT', 8001)}")
    base_url = read.text("BASE_URL", f"http://localhost:{read.number('PORT', 8000)}").rstrip("/")
    if production and not base_url.startswith("https://"):
        raise ConfigError("BIZCUIT_BASE_URL must be https in production")
    keys = _data_keys(read, production, home)
    return Config(
        production=production, home=home, sandbox_url=sandbox, base_url=base_url,
        **_external_services(read, production, sandbox), **_stores(read, home), **_mail(read, production),
        data_keys=keys,
        data_key=read.text("DATA_KEY", next(iter(keys))),
        hook_url=read.text("HOOK_URL", base_url.replace("//localhost", "//127.0.0.1")).rstrip("/"),
        push_key=_push_key(read, production, home), push_services=_push_services(read),
        session_key=_secret(read, "SESSION_KEY", production, home),
        lookup_key=_secret(read, "LOOKUP_KEY", production, home).encode(),
        pin_pepper=_secret(read, "PIN_PEPPER", production, home).encode(),
        limit_payment_cents=read.number("LIMIT_PAYMENT_CENTS", 100_000_00),
        limit_day_cents=read.number("LIMIT_DAY_CENTS", 250_000_00),
        poll_seconds=read.number("POLL_SECONDS", 3600),
        metrics_token=read.text("METRICS_TOKEN", ""),
        proxies=read.number("PROXIES", 0),
    )  # fmt: skip


def _stores(read: _Reader, home: Path) -> dict:
    url_file = home / "run" / "redis-url"  # URL of the launcher's embedded queue server
    embedded = url_file.read_text().strip() if url_file.exists() else "redis://127.0.0.1:6379/0"
    return {
        "database_url": read.text("DATABASE_URL", f"sqlite:///{home / 'bizcuit.db'}"),
        "redis_url": read.text("REDIS_URL", embedded),
    }


def _external_services(read: _Reader, production: bool, sandbox: str) -> dict:
    """Read the addresses of external services. In development they default to the sandbox; production must set each."""

    def at(name: str, default: str) -> str:
        return read.text(name, None if production else default)

    return {
        "banks": at("BANKS", f"{sandbox}/banks"),
        "bank_key": read.text("BANK_KEY", None if production else ""),
        "bank_certificate": read.text("BANK_CERTIFICATE", None if production else ""),
        **_client_certificate(read),
        "nmbrs_url": at("NMBRS_URL", sandbox),
        **_nmbrs_rest(read, production, sandbox),
        **_ponto(read, production, sandbox),
        "oidc_issuer": at("OIDC_ISSUER", f"{sandbox}/broker"),
        "oidc_client_id": at("OIDC_CLIENT_ID", "bizcuit"),
        "oidc_client_secret": at("OIDC_CLIENT_SECRET", "sandbox-secret"),
        **_identification(read),
        "kvk_url": at("KVK_URL", f"{sandbox}/kvk/api"),
        "kvk_key": at("KVK_KEY", "sandbox"),
        "kvk_certificate": read.text("KVK_CERTIFICATE", ""),
    }


def _identification(read: _Reader) -> dict:
    """Read how users identify: a profile by name, and the deviations from it."""
    claims = read.pairs("OIDC_CLAIMS")
    if unknown := sorted(set(claims) - set(FIELDS)):
        raise ConfigError(f"BIZCUIT_OIDC_CLAIMS names {unknown[0]}; known are {', '.join(FIELDS)}")
    return {
        "oidc_profile": read.choice("OIDC_PROFILE", DEFAULT, *PROFILES),
        "oidc_scopes": read.text("OIDC_SCOPES", ""),
        "oidc_acr": read.text("OIDC_ACR", ""),
        "oidc_claims": claims,
        "oidc_accepted": {name: tuple(values.split("|")) for name, values in read.pairs("OIDC_ACCEPTED").items()},
    }


def _client_certificate(read: _Reader) -> dict:
    """Read our TLS client certificate, for banks that require one (mutual TLS)."""
    key, certificate = read.text("BANK_TLS_KEY", ""), read.text("BANK_TLS_CERTIFICATE", "")
    if bool(key) != bool(certificate):
        raise ConfigError("BIZCUIT_BANK_TLS_KEY and BIZCUIT_BANK_TLS_CERTIFICATE come together")
    return {"bank_tls_key": key, "bank_tls_certificate": certificate}


NMBRS_SCOPES = (
    "offline_access user.info.read company.info.read company.payrollsettings.read company.document.read document.read "
    "employee.info.read employee.bankaccount.read"
)


def _nmbrs_rest(read: _Reader, production: bool, sandbox: str) -> dict:
    """Read the settings of the Nmbrs REST API. Without a client id it is not offered."""

    def at(name: str, real: str, ours: str) -> str:
        return read.text(name, real if production else ours)

    return {
        "nmbrs_rest_url": at("NMBRS_REST_URL", "https://api.nmbrsapp.com", f"{sandbox}/nmbrs-rest"),
        "nmbrs_authority": at(
            "NMBRS_AUTHORITY", "https://identityservice.nmbrs.com/connect", f"{sandbox}/nmbrs-identity/connect"
        ),
        "nmbrs_client_id": at("NMBRS_CLIENT_ID", "", "bizcuit-nmbrs"),
        "nmbrs_client_secret": at("NMBRS_CLIENT_SECRET", "", "sandbox-nmbrs-secret"),
        "nmbrs_subscription_key": at("NMBRS_SUBSCRIPTION_KEY", "", "sandbox-subscription-key"),
        "nmbrs_scopes": read.text("NMBRS_SCOPES", NMBRS_SCOPES),
    }


def _ponto(read: _Reader, production: bool, sandbox: str) -> dict:
    """Read the settings of Ponto Connect.

    Without a client id its banks cannot be linked; production needs both keys.
    """

    def at(name: str, real: str, ours: str) -> str:
        return read.text(name, real if production else ours)

    client_id = at("PONTO_CLIENT_ID", "", "bizcuit-ponto")
    keys = ("PONTO_TLS_KEY", "PONTO_TLS_CERTIFICATE", "PONTO_SIGNATURE_KEY", "PONTO_SIGNATURE_KEY_ID")
    return {
        "ponto_url": at("PONTO_URL", "https://api.ibanity.com/ponto-connect", f"{sandbox}/ponto/api"),
        "ponto_authority": at("PONTO_AUTHORITY", "https://authorization.myponto.com", f"{sandbox}/ponto"),
        "ponto_client_id": client_id,
        "ponto_client_secret": at("PONTO_CLIENT_SECRET", "", "sandbox-ponto-secret"),
        **{name.lower(): read.text(name, None if production and client_id else "") for name in keys},
    }


def _mail(read: _Reader, production: bool) -> dict:
    return {
        "smtp_host": read.text("SMTP_HOST", None if production else "127.0.0.1"),
        "smtp_port": read.number("SMTP_PORT", 587 if production else 8002),
        "smtp_user": read.text("SMTP_USER", ""),
        "smtp_password": read.text("SMTP_PASSWORD", ""),
        "smtp_starttls": read.choice("SMTP_STARTTLS", "yes" if production else "no", "yes", "no") == "yes",
        "mail_from": read.text("MAIL_FROM", "Bizcuit <noreply@bizcuit.nl>"),
        "support_email": read.text("SUPPORT_EMAIL", "support@bizcuit.nl"),
    }


def _secret(read: _Reader, name: str, production: bool, home: Path) -> str:
    value = read.text(name, "") or ("" if production else _development_secret(home, name))
    if len(value) < 32:
        raise ConfigError(f"{PREFIX}{name} must be a secret of at least 32 characters")
    return value


def _push_key(read: _Reader, production: bool, home: Path) -> str:
    """Read the VAPID private key that signs push messages (RFC 8292): 32 bytes in base64url.

    Browsers subscribe to its public key, so a new key invalidates every subscription.
    """
    value = _secret(read, "PUSH_KEY", production, home)
    try:
        WebPushClient(value, "")
    except ValueError as error:
        raise ConfigError("BIZCUIT_PUSH_KEY must be 32 bytes in base64url") from error
    return value


def _push_services(read: _Reader) -> tuple[str, ...]:
    """Return the hosts that push messages may be sent to, separated by commas; "*." allows all subdomains."""
    named = [part.strip().lower() for part in read.text("PUSH_SERVICES", ",".join(PUSH_SERVICES)).split(",")]
    for service in named:
        if not re.fullmatch(r"(\*\.)?([a-z0-9-]+\.)+[a-z][a-z0-9-]+", service):
            raise ConfigError("BIZCUIT_PUSH_SERVICES must be host names, apart by commas")
    return tuple(named)


def _data_keys(read: _Reader, production: bool, home: Path) -> dict[str, bytes]:
    """Read BIZCUIT_DATA_KEYS: "name:base64 of 32 bytes", separated by commas. The first encrypts, all decrypt."""
    text = read.text("DATA_KEYS", "") or ("" if production else f"dev:{_development_secret(home, 'DATA_KEYS')}")
    keys = {}
    for part in filter(None, text.split(",")):
        name, _, encoded = part.strip().partition(":")
        try:
            key = b64decode(encoded, altchars=b"-_", validate=True)
        except ValueError as error:
            raise ConfigError("BIZCUIT_DATA_KEYS is not base64") from error
        if not name or len(key) != 32:
            raise ConfigError("BIZCUIT_DATA_KEYS must hold name:key pairs, each key of 32 bytes")
        keys[name] = key
    if not keys:
        raise ConfigError("BIZCUIT_DATA_KEYS is not set")
    return keys


def _development_secret(home: Path, name: str) -> str:
    """Return the development secret of this name from the home folder, generated on first use."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "secrets.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if name not in known:
        known[name] = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(known))
        temporary.replace(path)
    return known[name]
