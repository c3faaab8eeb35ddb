"""Settings with which production starts, and the files that they name."""

import json
import tempfile
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

import config
from connectors.bank import http_signatures

SECRETS = ("SESSION_KEY", "LOOKUP_KEY", "PIN_PEPPER", "BACKUP_KEY")
BANK = {"id": "abank", "name": "A Bank", "base_url": "https://api.bank.example", "redirect_hosts": ["bank.example"]}


def drawn(name: str) -> bytes:
    """Return 32 bytes that look random and are the same in every run."""
    return sha256(name.encode()).digest()


def in_base64(key: bytes) -> str:
    return urlsafe_b64encode(key).decode()


KEY = in_base64(drawn("data"))


@cache
def files() -> Path:
    """Return a folder with a file of banks and, in one file, a key and its certificate."""
    folder = Path(tempfile.mkdtemp(prefix="bizcuit-settings-"))
    http_signatures.development_identity(folder)
    (folder / "banks.json").write_text(json.dumps([BANK]))
    return folder


def complete() -> dict[str, str]:
    """Return the environment of a production that starts, except BIZCUIT_HOME."""
    pem = str(files() / "bank-identity.pem")
    return {
        "BIZCUIT_ENV": "production",
        "BIZCUIT_DATABASE_URL": "postgresql:///bizcuit?host=/run/postgresql",
        "BIZCUIT_REDIS_URL": "unix:///run/valkey/valkey.sock",
        "BIZCUIT_BASE_URL": "https://app.example",
        "BIZCUIT_BANKS": str(files() / "banks.json"),
        "BIZCUIT_BANK_KEY": pem,
        "BIZCUIT_BANK_CERTIFICATE": pem,
        "BIZCUIT_NMBRS_URL": "https://api.nmbrs.example",
        "BIZCUIT_OIDC_ISSUER": "https://broker.example",
        "BIZCUIT_OIDC_CLIENT_ID": "us",
        "BIZCUIT_OIDC_CLIENT_SECRET": "between us and the broker",
        "BIZCUIT_KVK_URL": "https://kvk.example",
        "BIZCUIT_KVK_KEY": "l7xx1f2691f2520d",
        "BIZCUIT_SMTP_HOST": "mail.example",
        "BIZCUIT_PUSH_KEY": in_base64(drawn("push")),
        "BIZCUIT_DATA_KEYS": f"first:{KEY}",
        **{f"BIZCUIT_{name}": drawn(name).hex() for name in SECRETS},
    }


def production(home: Path, **changes: str | None) -> config.Config:
    """Return production settings with these differences; None removes one.

    Raises:
    - ConfigError
    """
    told = complete() | {"BIZCUIT_HOME": str(home)} | {f"BIZCUIT_{name}": value for name, value in changes.items()}
    return config.load({name: value for name, value in told.items() if value is not None})
