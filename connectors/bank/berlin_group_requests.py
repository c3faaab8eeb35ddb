"""Headers and paths of the requests of Berlin Group NextGenPSD2 1.3."""

import re
import socket
from email.utils import formatdate
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote

from connectors.bank import response_parsing
from connectors.bank.order_formats import JSON, product_for
from connectors.bank.port import BankConfig, PlacementOptions, Psu

_ANYWHERE, _NO_ADDRESS = ("192.0.2.1", 9), "192.0.0.8"


def request_headers(request_id: str, psu: Psu | None = None) -> dict[str, str]:
    """Return the headers of every request, and those about the person who is present."""
    headers = {"X-Request-ID": request_id, "Date": formatdate(usegmt=True), "Accept": JSON}
    if psu is None:
        return headers
    headers["PSU-IP-Address"] = _address(psu.ip)
    if psu.user_agent and (agent := header_value(psu.user_agent)):
        headers["PSU-User-Agent"] = agent
    if psu.bank_user_id:
        headers["PSU-ID"] = header_value(psu.bank_user_id)
    return headers


def redirect_headers(redirect_uri: str, nok_redirect_uri: str) -> dict[str, str]:
    return {"TPP-Redirect-URI": redirect_uri, "TPP-Nok-Redirect-URI": nok_redirect_uri}


def sca_preference_headers(config: BankConfig) -> dict[str, str]:
    """Return the headers for the SCA approach agreed with this bank; none under delegated SCA."""
    if config.signing == "delegated":
        return {}
    return {
        "TPP-Redirect-Preferred": str(config.signing == "redirect").lower(),
        "TPP-Decoupled-Preferred": str(config.signing == "decoupled").lower(),
    }


def placement_headers(config: BankConfig, wishes: PlacementOptions) -> dict[str, str]:
    """Return the headers for the options. Only banks that verify payees get Client-VOP-Requested; "false" skips it."""
    headers = {"TPP-Explicit-Authorisation-Preferred": "true"}
    if config.vop:
        headers["Client-VOP-Requested"] = str(wishes.check_names).lower()
    if wishes.notify_uri:
        headers["TPP-Notification-URI"] = wishes.notify_uri
        headers["TPP-Notification-Content-Preferred"] = "status=SCA,PROCESS,LAST"
    return headers


def _address(ip: str) -> str:
    """Return the address for PSU-IP-Address, which Berlin Group defines as IPv4; IPv4-mapped IPv6 is converted.

    For a PSU with IPv6 only, the standard wants the IP address of the TPP.
    """
    try:
        parsed = ip_address(ip)
    except ValueError:
        return header_value(ip)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or _own_address())


def _own_address() -> str:
    """Return this machine's outgoing IPv4 address; the dummy address of RFC 7600 if it has no route. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return _NO_ADDRESS
        return str(probe.getsockname()[0])


def header_value(text: str) -> str:
    """Keep only characters allowed in a header, so that a user agent cannot end the line or add another header."""
    return re.sub(r"[^ -~]", "", text)[: response_parsing.LONGEST_ID].strip()


def path_segment(identifier: str) -> str:
    return quote(identifier, safe="")


def order_path(config: BankConfig, payment_id: str) -> str:
    return f"{product_path(config, config.format == 'json')}/{path_segment(payment_id)}"


def product_path(config: BankConfig, is_json: bool) -> str:
    return f"/{config.payments_version}/bulk-payments/{product_for(config, is_json)}"
