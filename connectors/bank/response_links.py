"""The links in a bank's answers: made full, and only followed where they may lead.

A link is where a signed request goes, or where a person is sent to log in at the bank: one that
points elsewhere is worth more to a thief than any password. So a strange one fails the answer.
"""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from connectors.bank.port import BankConfig, OutcomeUnknown

# Where a person goes; every other known link is an address of the bank's API.
FOR_PEOPLE = frozenset({"scaRedirect", "scaOAuth"})
# The standard's links that an order or its signing can have (BG 1.3.16); others are no business of ours.
KNOWN = FOR_PEOPLE | {
    "confirmation", "startAuthorisation", "startAuthorisationWithPsuIdentification",
    "startAuthorisationWithPsuAuthentication", "startAuthorisationWithEncryptedPsuAuthentication",
    "startAuthorisationWithAuthenticationMethodSelection", "startAuthorisationWithTransactionAuthorisation",
    "startAuthorisationWithProprietaryData", "updatePsuIdentification", "updatePsuAuthentication",
    "updateEncryptedPsuAuthentication", "updateAdditionalPsuAuthentication",
    "updateAdditionalEncryptedPsuAuthentication", "updateProprietaryData", "selectAuthenticationMethod",
    "authoriseTransaction", "self", "status", "scaStatus", "creditorNameConfirmation",
}  # fmt: skip
# Printable ASCII without the signs that browsers and we might read differently.
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]{1,2000}")
_VERSION_FIRST = re.compile(r"/v[0-9]+/")
_PORTS = {"http": 80, "https": 443}


class UntrustedLink(OutcomeUnknown):
    """The bank's answer leads where this bank has no business. What it answered, it may have taken."""


def read_links(config: BankConfig, found: dict[str, Any]) -> dict[str, str]:
    """The known links of an answer by name, full and checked. UntrustedLink when one is not the bank's."""
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
    """Where the person signs or consents. UntrustedLink unless its host is one of the line's."""
    url = full(config, link)
    parts = _parts(url)
    if _secure(config, parts) and {parts.netloc.lower(), (parts.hostname or "").lower()} & _hosts(config):
        return url
    raise UntrustedLink("strange redirect")


def api_address(config: BankConfig, link: str) -> str:
    """A resource of this bank's API. UntrustedLink when it is on another host, port or scheme."""
    url = full(config, link)
    if _origin(_parts(url)) != _origin(urlsplit(config.base_url)):
        raise UntrustedLink("strange link")
    return url


def full(config: BankConfig, link: str) -> str:
    """A relative link made full. One that begins with the API's version counts from the base address,
    which may have a path of its own; any other path counts from the host (RFC 3986)."""
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
    """https; plain http only where the bank itself is on it, which the directory allows on loopback alone."""
    return parts.scheme == "https" or parts.scheme == urlsplit(config.base_url).scheme


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS[parts.scheme]


def _hosts(config: BankConfig) -> set[str]:
    return {host.lower() for host in config.redirect_hosts}
