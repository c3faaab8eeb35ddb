"""Nmbrs over REST: consent on the page, tokens, calls. Each answer is checked against the contract.

The contract is reference data (see reference.py): without it, tests that check an answer are skipped.
"""

import re
import uuid
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import yaml

from tests.support import reference
from tests.support.sandbox import Sandbox

CLIENT, SECRET, KEY = "bizcuit-nmbrs", "sandbox-nmbrs-secret", "sandbox-subscription-key"
BACK = "http://localhost:8000/nmbrs/terug"
USER = "wouter@demobv.example"
DEBTOR, SECOND_DEBTOR = 21840, 21841
SCOPES = (
    "user.info.read company.info.read company.payrollsettings.read company.document.read document.read "
    "employee.info.read employee.bankaccount.read offline_access"
)


def guid(entity: str, number: int) -> str:
    """Return the GUID of a Company, Debtor, Employee, Run or WageTax in the sandbox's REST API."""
    return str(uuid.uuid5(uuid.UUID("6b1c7f0e-3f1d-5c0a-9f57-2d6c3c5f9a10"), f"{entity}:{number}"))


def connect(sandbox: Sandbox, path: str) -> str:
    return f"{sandbox.url}/nmbrs-identity/connect/{path}"


def asked(**changed: str | None) -> dict[str, str]:
    """Return the query of an authorisation URL; None omits a parameter."""
    usual = {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": BACK, "scope": SCOPES, "state": "xyz",
    }  # fmt: skip
    return {name: value for name, value in (usual | changed).items() if value is not None}


def answer_page(sandbox: Sandbox, form: dict[str, Any], **changed: str | None) -> requests.Response:
    return requests.post(
        connect(sandbox, "authorize"), params=asked(**changed), data=form, allow_redirects=False, timeout=10
    )


def came_back(answer: requests.Response) -> dict[str, str]:
    """Return the query parameters of the redirect."""
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def allow(sandbox: Sandbox, *debtors: int, user: str = USER, **changed: str | None) -> str:
    """Grant access (Toestaan) and return the authorisation code."""
    form = {"user": user, "debtor": list(debtors or (DEBTOR,)), "answer": "allow"}
    return came_back(answer_page(sandbox, form, **changed))["code"]


def ask_token(sandbox: Sandbox, auth: Any = (CLIENT, SECRET), **form: str) -> requests.Response:
    return requests.post(connect(sandbox, "token"), data=form, auth=auth, timeout=10)


def with_code(sandbox: Sandbox, code: str, **form: str) -> requests.Response:
    usual = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return ask_token(sandbox, **(usual | form))


def refresh(sandbox: Sandbox, token: str) -> requests.Response:
    return ask_token(sandbox, grant_type="refresh_token", refresh_token=token)


def tokens(sandbox: Sandbox, *debtors: int, user: str = USER, **changed: str | None) -> dict[str, Any]:
    answer = with_code(sandbox, allow(sandbox, *debtors, user=user, **changed))
    assert answer.ok, answer.text
    return answer.json()


class Rest:
    """Calls with an access token; every answer is checked against the contract."""

    def __init__(self, sandbox: Sandbox, *debtors: int, token: str | None = None, key: str | None = KEY):
        self.sandbox = sandbox
        self.token = token or tokens(sandbox, *debtors)["access_token"]
        self.key = key

    def ask(self, path: str, **query: Any) -> requests.Response:
        """Send a GET request. `path` starts with /api, or is a full URL of a next page."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"X-Subscription-Key": self.key} if self.key else {})
        url = path if path.startswith("http") else f"{self.sandbox.url}/nmbrs-rest{path}"
        answer = requests.get(url, params=query, headers=headers, timeout=10)
        hold_to_contract(answer)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def code(self, path: str, **query: Any) -> int:
        """Return the vendor's code of the expected error."""
        answer = self.ask(path, **query)
        assert answer.json()["code"] // 100 == answer.status_code
        return answer.json()["code"]

    def data(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return self.get(path, **query)["data"]

    def company(self) -> str:
        """Return the path of the first visible company."""
        return f"/api/companies/{self.data('/api/companies')[0]['companyId']}"

    def document(self, task: str) -> str:
        """Return the file, after one 202 answer."""
        assert self.ask(f"/api/documents/{task}").status_code == 202
        answer = self.ask(f"/api/documents/{task}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/octet-stream")
        return answer.content.decode()


# --- the contract ---------------------------------------------------------------------------------
@cache
def contract() -> dict[str, Any]:
    with reference.path("nmbrs/nmbrs-rest-openapi.yaml").open("rb") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def hold_to_contract(answer: requests.Response) -> None:
    """Require that the contract has this status and media type for the path, and that the body matches its schema."""
    from openapi_schema_validator import OAS30Validator, oas30_format_checker  # slow to import (see contract.py)

    foreseen = operation(urlsplit(answer.url).path.removeprefix("/nmbrs-rest"))["responses"]
    response = resolved(foreseen[str(answer.status_code)])
    content = response.get("content")
    if content is None:  # the contract leaves the body of some errors open
        return
    media = answer.headers["Content-Type"].partition(";")[0]
    assert media in content, f"{media} is not in the contract: {list(content)}"
    if media == "application/json":
        schema = strict(content[media]["schema"]) | {"components": contract()["components"]}
        OAS30Validator(schema, format_checker=oas30_format_checker).validate(answer.json())


def operation(path: str) -> dict[str, Any]:
    """Return the GET operation whose path template matches."""
    for template, item in contract()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return item["get"]
    raise AssertionError(f"{path} is not in the contract")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = contract()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolved(found)


def strict(node: Any) -> Any:
    """Return a copy of the schema without additional properties.

    The contract leaves every object open, so that a misspelt field would pass.
    """
    if isinstance(node, list):
        return [strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    copied = {name: strict(child) for name, child in resolved(node).items()}
    if isinstance(copied.get("properties"), dict):
        copied.setdefault("additionalProperties", False)
    return copied
