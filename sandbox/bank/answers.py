"""What a bank answers: JSON with its links, and refusals in the Berlin Group's form."""

from typing import Any

from flask import Response, current_app, g, jsonify

from sandbox import faults
from sandbox.store import Document


class Refused(Exception):
    """The bank says no: an HTTP status, a code of the standard and a text."""

    def __init__(self, status: int, code: str, text: str, path: str | None = None):
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code, self.text, self.path = status, code, text, path


def refusal(error: Refused) -> tuple[Response, int]:
    message = {"category": "ERROR", "code": error.code, "text": error.text[:500]}
    if error.path:
        message["path"] = error.path
    return jsonify(tppMessages=[message]), error.status


def page_address(bank_id: str, path: str) -> str:
    """The full address of a page of a bank."""
    return f"{current_app.config['BASE_URL']}/bank/{bank_id}/{path}"


def api_address(path: str) -> str:
    """The address of a resource of this request's bank: full, or relative when that is switched on."""
    base = "" if faults.on("bank_relative_links") else current_app.config["BASE_URL"]
    return f"{base}/bank/{g.bank['id']}/v1/{path}"


def links(**named: str) -> dict[str, dict[str, str]]:
    """The `_links` object."""
    return {name: {"href": address} for name, address in named.items()}


def amount(cents: int) -> dict[str, str]:
    sign = "-" if cents < 0 else ""
    return {"currency": "EUR", "amount": f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"}


def stored_answer(doc: Document) -> tuple[Response, int, dict[str, str]]:
    """An answer as it was given before."""
    return jsonify(doc["body"]), doc["status"], doc["headers"]


def as_document(status: int, body: Any, headers: dict[str, str]) -> Document:
    return {"status": status, "body": body, "headers": headers}
