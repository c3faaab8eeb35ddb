"""Shared by the OAuth servers of the sandbox: codes and tokens that expire, PKCE, client authentication.

A code and a refresh token work once. All times follow the sandbox's clock, which can be advanced.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from urllib.parse import unquote_plus, urlencode, urlsplit

from flask import current_app, jsonify, request

from sandbox import clock
from sandbox.store import Document, get_store

LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}


class Refused(Exception):
    """An error of the token endpoint (RFC 6749, 5.2)."""

    def __init__(self, error: str, status: int = 400):
        super().__init__(error)
        self.error, self.status = error, status


def is_registered(address: str) -> bool:
    """Return whether a redirect URI is registered. Ports differ per run, so any URI on this machine or on the app's
    host is; the token endpoint compares the exact text.
    """
    parts = urlsplit(address)
    home = urlsplit(current_app.config["WEB_URL"])
    here = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    return (here or (parts.scheme, parts.netloc) == (home.scheme, home.netloc)) and not parts.fragment


CHALLENGES = {
    "plain": lambda verifier: verifier,
    "S256": lambda verifier: base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
}


def fits(row: Document, verifier: str | None) -> bool:
    """Return whether the PKCE verifier matches; it must be present exactly if there was a challenge."""
    if row["challenge"] is None or verifier is None:
        return row["challenge"] is None and verifier is None
    return hmac.compare_digest(CHALLENGES[row["method"]](verifier).encode(), row["challenge"].encode())


def way_back(redirect_uri: str, state: str | None, told: dict[str, str]) -> str:
    """Return the redirect URL with the answer."""
    if state is not None:
        told = told | {"state": state}
    sign = "&" if urlsplit(redirect_uri).query else "?"
    return f"{redirect_uri}{sign}{urlencode(told)}"


def refusal(error: Refused, realm: str):
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        headers["WWW-Authenticate"] = f'Basic realm="{realm}"'
    return jsonify(error=error.error), error.status, headers


def check_client(client_id: str, client_secret: str) -> None:
    """Check the client: Basic only, with id and secret percent-encoded (RFC 6749, 2.3.1)."""
    given = request.authorization
    if given is None or given.type != "basic":
        raise Refused("invalid_client", 401)
    name, secret = unquote_plus(given.username or ""), unquote_plus(given.password or "")
    if name != client_id or not hmac.compare_digest(secret.encode(), client_secret.encode()):
        raise Refused("invalid_client", 401)


def keep(kind: str, life: timedelta, doc: Document) -> str:
    """Store a document under a new secret until it expires; return the secret."""
    secret = new_secret()
    get_store().put(kind, secret, doc | {"expires": (clock.bank_now() + life).isoformat()})
    return secret


def spend(kind: str, secret: str) -> Document:
    """Return the document of a secret and delete it, so that only one of two simultaneous calls gets it."""
    row = get_store().get(kind, secret)
    if row is None or not get_store().delete(kind, secret) or is_over(row):
        raise Refused("invalid_grant")
    return row


def is_over(row: Document) -> bool:
    return clock.bank_now() >= datetime.fromisoformat(row["expires"])


def new_secret() -> str:
    return secrets.token_urlsafe(32)
