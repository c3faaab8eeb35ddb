"""Our own secrets: read and checked; in development generated once and kept in the home folder."""

import json
import os
import secrets
from base64 import b64decode, urlsafe_b64encode
from pathlib import Path

from config.reader import Reader
from config.strength import bare, is_trivial
from connectors.web_push import WebPushClient
from core.private_files import make_private_folder, private_opener

SHORTEST = 32  # characters of a secret
OWN = ("SESSION_KEY", "LOOKUP_KEY", "PIN_PEPPER", "PUSH_KEY", "BACKUP_KEY", "DATA_KEYS")
TRIVIAL = "can be guessed: it must be drawn at random, not repeat itself, count up or hold a word"


def own_secrets(read: Reader, production: bool, home: Path) -> dict:
    """Read all secrets of our own."""
    keys = _data_keys(read, production, home)
    primary = read.text("DATA_KEY", next(iter(keys), ""))
    if keys and primary not in keys:
        read.refuse("DATA_KEY", "must be the name of one of BIZCUIT_DATA_KEYS")
    return {
        "data_keys": keys,
        "data_key": primary,
        "push_key": _push_key(read, production, home),
        "session_key": _secret(read, "SESSION_KEY", production, home),
        "lookup_key": _secret(read, "LOOKUP_KEY", production, home).encode(),
        "pin_pepper": _secret(read, "PIN_PEPPER", production, home).encode(),
        "backup_key": _secret(read, "BACKUP_KEY", production, home).encode(),
        "metrics_token": _metrics_token(read, production),
    }


def _secret(read: Reader, name: str, production: bool, home: Path) -> str:
    value = read.text(name, "") or ("" if production else development_secret(home, name))
    if len(value) < SHORTEST and not read.is_refused(name):
        read.refuse(name, f"must be a secret of at least {SHORTEST} characters")
    elif production and value and (is_trivial(value) or is_trivial(bare(value))):
        read.refuse(name, TRIVIAL)
    return value


def _metrics_token(read: Reader, production: bool) -> str:
    value = read.text("METRICS_TOKEN", "")
    if production and value and len(value) < SHORTEST:
        read.refuse("METRICS_TOKEN", f"must be a secret of at least {SHORTEST} characters, or empty")
    elif production and value and (is_trivial(value) or is_trivial(bare(value))):
        read.refuse("METRICS_TOKEN", TRIVIAL)
    return value


def _push_key(read: Reader, production: bool, home: Path) -> str:
    """Read the VAPID private key that signs push messages (RFC 8292): 32 bytes in base64url.

    Browsers subscribe to its public key, so a new key invalidates every subscription.
    """
    value = _secret(read, "PUSH_KEY", production, home)
    if not read.is_refused("PUSH_KEY"):
        try:
            WebPushClient(value, "")
        except ValueError:
            read.refuse("PUSH_KEY", "must be 32 bytes in base64url")
    return value


def _data_keys(read: Reader, production: bool, home: Path) -> dict[str, bytes]:
    """Read BIZCUIT_DATA_KEYS: "name:base64 of 32 bytes", separated by commas. The first encrypts, all decrypt."""
    text = read.text("DATA_KEYS", "") or ("" if production else f"dev:{development_secret(home, 'DATA_KEYS')}")
    keys: dict[str, bytes] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, encoded = part.partition(":")
        try:
            key = b64decode(encoded, altchars=b"-_", validate=True)
        except ValueError:
            read.refuse("DATA_KEYS", "is not base64")
            continue
        if not name or len(key) != 32:
            read.refuse("DATA_KEYS", "must hold name:key pairs, each key of 32 bytes")
        elif name in keys:
            read.refuse("DATA_KEYS", f"has two keys of the name {name}")
        elif production and is_trivial(key):
            read.refuse("DATA_KEYS", f"has a key, {name}, that {TRIVIAL}")
        keys[name] = key
    if not keys and not read.is_refused("DATA_KEYS"):
        read.refuse("DATA_KEYS", "is not set")
    return keys


def known_development_secrets(home: Path) -> dict[str, str]:
    """Return the secrets that development generated in this home folder."""
    try:
        found = json.loads((home / "secrets.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def development_secret(home: Path, name: str) -> str:
    """Return the development secret of this name from the home folder, generated on first use."""
    make_private_folder(home)
    known = known_development_secrets(home)
    if name not in known:
        known[name] = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        path = home / "secrets.json"
        temporary = path.with_suffix(f".{os.getpid()}")
        with open(temporary, "w", opener=private_opener) as file:
            json.dump(known, file)
        temporary.replace(path)
    return known[name]
