"""Does an exchange obey the Berlin Group contract? Checked by openapi-core against the contract file.

The file is reference data (see reference): a test that has an exchange checked is left out without it.
"""

import json
from functools import cache
from typing import Any

import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from tests.support import reference


def published() -> dict[str, Any]:
    """Return the contract as the standard's authors publish it."""
    return json.loads(reference.path(reference.BANK_CONTRACT).read_text(encoding="utf-8"))


@cache
def contract(base_url: str) -> OpenAPI:
    """Return the contract, served below `base_url` (http://127.0.0.1:…/bank/redirect).

    That it is a valid document of OpenAPI is tested once (tests/test_contract_report.py), not for each address.
    """
    document = published()
    document["servers"] = [{"url": base_url}]
    free_xml(document)
    readers = {"application/problem+json": read_json}
    unchecked = Config(extra_media_type_deserializers=readers, spec_validator_cls=None)  # type: ignore[arg-type]
    return OpenAPI.from_dict(document, config=unchecked)


def read_json(body: bytes, **parameters: str) -> Any:
    return json.loads(body)


def free_xml(node: Any) -> None:
    """Let any XML pass: what stands in it is for the message's own schema (see xsd)."""
    if isinstance(node, list):
        for child in node:
            free_xml(child)
    if isinstance(node, dict):
        if isinstance(node.get("application/xml"), dict):
            node["application/xml"] = {}
        for child in node.values():
            free_xml(child)


def check(request: requests.PreparedRequest, answer: requests.Response) -> None:
    """Both sides of an exchange; raises openapi-core's error when one is wrong.

    A request that the bank refuses may be a wrong one: that is what it was refused for.
    """
    asked = RequestsOpenAPIRequest(request)
    rules = contract(served_at(str(request.url)))
    if answer.ok:
        rules.validate_request(asked)
    rules.validate_response(asked, RequestsOpenAPIResponse(answer))


def served_at(url: str) -> str:
    """Where the bank serves the contract: what stands before /v1/ in an address of it."""
    return url.partition("/v1/")[0]
