"""Whether an answer of Ponto is about the account or order that was asked about.

A balance, a list or a status of another one would be taken as ours. What an answer does not name is not compared: only
the id of a resource is always there (JSON:API).
"""

from typing import Any
from urllib.parse import urlsplit

from connectors.bank import response_links
from connectors.bank.port import BankConfig, OutcomeUnknown
from core.iban import normalise


def require_account_resource(row: dict[str, Any], resource_id: str, iban: str) -> None:
    """Require that a resource is the account of this id, and of this IBAN where both are known.

    Raises:
    - OutcomeUnknown
    """
    attributes = _part(row, "attributes")
    named = attributes.get("reference") if attributes.get("referenceType") == "IBAN" else None
    if row.get("id") != resource_id or (iban and isinstance(named, str) and _plain(named) != _plain(iban)):
        raise OutcomeUnknown("the answer is about another account")


def require_order_resource(row: dict[str, Any], order_id: str) -> None:
    """Require that a resource is the order of this id.

    Raises:
    - OutcomeUnknown
    """
    if row.get("id") != order_id:
        raise OutcomeUnknown("the answer is about another order")


def require_transactions_of(page: dict[str, Any], rows: list[dict[str, Any]], resource_id: str) -> None:
    """Require that neither a page of transactions nor one of its rows names another account.

    Raises:
    - OutcomeUnknown
    """
    told = [_part(row, "relationships", "account", "data").get("id") for row in rows]
    synchronised = _part(page, "meta", "latestSynchronization", "attributes")
    if synchronised.get("resourceType") == "account":
        told.append(synchronised.get("resourceId"))
    if any(one is not None and one != resource_id for one in told):
        raise OutcomeUnknown("the answer is about another account")


def require_same_list(config: BankConfig, first: str, following: str) -> None:
    """Require that the link to a further page leads to the list of the first one.

    Raises:
    - OutcomeUnknown: also UntrustedLink, for another host.
    """
    ours, theirs = (urlsplit(response_links.api_address(config, link)).path for link in (first, following))
    if ours != theirs:
        raise OutcomeUnknown("the next page is of another account or list")


def _part(found: Any, *names: str) -> dict[str, Any]:
    """Return the object at this path, or an empty one."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _plain(iban: str) -> str:
    try:
        return normalise(iban)
    except ValueError:
        return iban
