"""Does an exchange obey the Berlin Group contract? Checked by openapi-core against the contract file.

The file is not part of the project: it is read from the folder BIZCUIT_SPECS, or from where it lies
beside the checkout.
"""

import json
import os
from functools import cache
from pathlib import Path

import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

ROOT = Path(__file__).resolve().parents[2]
SPECS = Path(os.environ.get("BIZCUIT_SPECS") or ROOT.parent / "shared" / "specs")
CONTRACT = SPECS / "bank" / "psd2-api-contract.json"


@cache
def contract(base_url: str) -> OpenAPI:
    """The contract, served below `base_url` (http://127.0.0.1:…/bank/redirect)."""
    document = json.loads(CONTRACT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": base_url}]
    return OpenAPI.from_dict(document)


def check_request(answer: requests.Response, base_url: str) -> None:
    """The request that was answered, headers and JSON body; raises openapi-core's error when it is wrong."""
    contract(base_url).validate_request(RequestsOpenAPIRequest(answer.request))


def check_response(answer: requests.Response, base_url: str) -> None:
    """The answer, headers and body, to the request that it answers; raises openapi-core's error when it is wrong."""
    asked = RequestsOpenAPIRequest(answer.request)
    contract(base_url).validate_response(asked, RequestsOpenAPIResponse(answer))
