"""Does an exchange obey the Berlin Group contract? Checked by openapi-core against the contract file.

The file is not part of the project: it is read from the folder BIZCUIT_SPECS, or from where it lies
beside the checkout.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

ROOT = Path(__file__).resolve().parents[2]
SPECS = Path(os.environ.get("BIZCUIT_SPECS") or ROOT.parent / "shared" / "specs")
CONTRACT = SPECS / "bank" / "psd2-api-contract.json"


@cache
def contract(base_url: str) -> OpenAPI:
    """The contract, served below `base_url` (http://127.0.0.1:…/bank/redirect)."""
    if not CONTRACT.is_file():
        raise FileNotFoundError(f"there is no contract at {CONTRACT}: no exchange with a bank can be checked")
    document = json.loads(CONTRACT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": base_url}]
    free_xml(document)
    readers = {"application/problem+json": read_json}
    return OpenAPI.from_dict(document, config=Config(extra_media_type_deserializers=readers))


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
