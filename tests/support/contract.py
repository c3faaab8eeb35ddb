"""Checks an exchange against the Berlin Group contract, with openapi-core.

The contract is reference data (see reference.py): without it, tests that check an exchange are skipped. openapi-core is
imported where it is used: it takes a second or more, and every test worker imports this module.
"""

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import requests

from tests.support import reference

if TYPE_CHECKING:
    from openapi_core import OpenAPI


def published() -> dict[str, Any]:
    """Return the contract as published by the Berlin Group."""
    return json.loads(reference.path(reference.BANK_CONTRACT).read_text(encoding="utf-8"))


@cache
def contract(base_url: str) -> "OpenAPI":
    """Return the contract, served at `base_url` (http://127.0.0.1:…/bank/redirect).

    Whether it is a valid OpenAPI document is tested once (tests/test_contract_report.py), not for each base URL.
    """
    from openapi_core import Config, OpenAPI

    document = published()
    document["servers"] = [{"url": base_url}]
    free_xml(document)
    readers = {"application/problem+json": read_json}
    unchecked = Config(extra_media_type_deserializers=readers, spec_validator_cls=None)  # type: ignore[arg-type]
    return OpenAPI.from_dict(document, config=unchecked)


def read_json(body: bytes, **parameters: str) -> Any:
    return json.loads(body)


def free_xml(node: Any) -> None:
    """Accept any XML in the contract: its content is checked by its own schema (see xsd.py)."""
    if isinstance(node, list):
        for child in node:
            free_xml(child)
    if isinstance(node, dict):
        if isinstance(node.get("application/xml"), dict):
            node["application/xml"] = {}
        for child in node.values():
            free_xml(child)


def check(request: requests.PreparedRequest, answer: requests.Response) -> None:
    """Check request and answer. Raises openapi-core's error if one violates the contract.

    The request is checked only if the bank accepted it: a refused one may be invalid on purpose.
    """
    from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

    asked = RequestsOpenAPIRequest(request)
    rules = contract(served_at(str(request.url)))
    if answer.ok:
        rules.validate_request(asked)
    rules.validate_response(asked, RequestsOpenAPIResponse(answer))


def served_at(url: str) -> str:
    """Return the base URL of the contract: the part of the URL before /v1/."""
    return url.partition("/v1/")[0]
