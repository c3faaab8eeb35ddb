"""Resolve and validate the links in a bank's answers.

A link receives a signed request or a person who logs in at the bank, so a link to another host is an attack risk: it
raises UntrustedLink for the whole answer.
"""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from connectors.bank.port import BankConfig, OutcomeUnknown

# Links for the person's browser; every other known link is a URL of the bank's API.
FOR_PEOPLE = frozenset({"scaRedirect", "scaOAuth"})
# Links of an order or an authorisation (Berlin Group 1.3.16); other links are ignored.
KNOWN = FOR_PEOPLE | {
    "confirmation", "startAuthorisation", "startAuthorisationWithPsuIdentification",
    "startAuthorisationWithPsuAuthentication", "startAuthorisationWithEncryptedPsuAuthentication",
    "startAuthorisationWithAuthenticationMethodSelection", "startAuthorisationWithTransactionAuthorisation",
    "startAuthorisationWithProprietaryData", "updatePsuIdentification", "updatePsuAuthentication",
    "updateEncryptedPsuAuthentication", "updateAdditionalPsuAuthentication",
    "updateAdditionalEncryptedPsuAuthentication", "updateProprietaryData", "selectAuthenticationMethod",
    "authoriseTransaction", "self", "status", "scaStatus", "creditorNameConfirmation",
}  # fmt: skip
# Printable ASCII, without characters that browsers and this code may parse differently.
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]{1,2000}")
_VERSION_FIRST = re.compile(r"/v[0-9]+/")
_PORTS = {"http": 80, "https": 443}


class UntrustedLink(OutcomeUnknown):
    """A link in the bank's answer leads outside this bank. The bank may have processed the request."""


def read_links(config: BankConfig, found: dict[str, Any]) -> dict[str, str]:
    """Return the known links of an answer by name, absolute and validated.

    Raises:
    - UntrustedLink: one is not the bank's.
    - OutcomeUnknown: they are not in the form of links.
    """
    links = found.get("_links")
    if links is None:
        return {}
    if not isinstance(links, dict):
        raise OutcomeUnknown("the links are no links")
    return {name: _checked(config, name, value) for name, value in links.items() if name in KNOWN}


def _checked(config: BankConfig, name: str, value: Any) -> str:
    href = value.get("href") if isinstance(value, dict) else None
    if not isinstance(href, str):
        raise OutcomeUnknown(f"the link {name} has no address")
    return sign_address(config, href) if name in FOR_PEOPLE else api_address(config, href)


def sign_address(config: BankConfig, link: str) -> str:
    """Return the absolute URL where the person signs or consents.

    Raises:
    - UntrustedLink: its host is not in the bank's `redirect_hosts`.
    """
    url = full(config, link)
    parts = _parts(url)
    if _secure(config, parts) and {parts.netloc.lower(), (parts.hostname or "").lower()} & _hosts(config):
        return url
    raise UntrustedLink("strange redirect")


def api_address(config: BankConfig, link: str) -> str:
    """Return the absolute URL of a resource of this bank's API.

    Raises:
    - UntrustedLink: another scheme, host or port.
    """
    url = full(config, link)
    if _origin(_parts(url)) != _origin(urlsplit(config.base_url)):
        raise UntrustedLink("strange link")
    return url


def full(config: BankConfig, link: str) -> str:
    """Resolve a relative link. One that starts with an API version is relative to the base URL, which may have a path;
    any other path is relative to the host (RFC 3986).

    Raises:
    - UntrustedLink: it starts with //, so it names a host.
    """
    base = config.base_url.rstrip("/")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", link):
        return link
    if not link.startswith("/"):
        return f"{base}/{link}"
    if link.startswith("//"):
        raise UntrustedLink("strange link")
    if _VERSION_FIRST.match(link):
        return f"{base}{link}"
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}{link}"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = bool(_PLAIN.fullmatch(url) and parts.scheme in _PORTS and parts.hostname and "@" not in parts.netloc)
        _ = parts.port
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable:
        raise UntrustedLink("strange link")
    return parts


def _secure(config: BankConfig, parts: SplitResult) -> bool:
    """Return whether the link is https; http only if the bank's own URL is (allowed on loopback only)."""
    return parts.scheme == "https" or parts.scheme == urlsplit(config.base_url).scheme


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS[parts.scheme]


def _hosts(config: BankConfig) -> set[str]:
    return {host.lower() for host in config.redirect_hosts}
