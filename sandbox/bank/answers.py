"""Answers of a bank: a body with its status, or an error in one of two formats."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import Response, current_app

from sandbox import faults

MAX_TEXT = 500
# Statuses without a body: Berlin Group defines none.
BARE = (406, 408, 415, 500, 503, 504)


@dataclass(frozen=True)
class Answer:
    """`body`: a dict or list becomes JSON, a text is sent as is, None is empty."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


class Refusal(Exception):
    """The bank refuses: HTTP status, Berlin Group message code, text and path."""

    def __init__(self, status: int, code: str = "", text: str = "", path: str = "", page: str = ""):
        super().__init__(f"{status} {code} {text}")
        self.status, self.code, self.text, self.path, self.page = status, code, text, path, page


def response(answer: Answer, request_id: str) -> Response:
    """Return the HTTP response, which repeats the X-Request-ID."""
    body = answer.body
    if isinstance(body, dict | list):
        body = json.dumps(body, ensure_ascii=False)
    made = Response(body or b"", status=answer.status, content_type=answer.media)
    if not body:
        del made.headers["Content-Type"]
    made.headers.update(answer.headers)
    made.headers["X-Request-ID"] = request_id
    return made


def refused(refusal: Refusal, service: str) -> Answer:
    """Return the error as tppMessages, or as problem+json if that is switched on."""
    if refusal.page:
        return Answer(refusal.status, refusal.page, media="text/html")
    if refusal.status in BARE or (refusal.status == 429 and service == "PIS"):
        return Answer(refusal.status)
    text = refusal.text[:MAX_TEXT]
    if faults.on("bank_problem_json"):
        kind = f"https://bank.example/problems/{refusal.code}"[:70]
        problem = {"type": kind, "title": refusal.code[:70], "detail": text, "code": refusal.code}
        return Answer(refusal.status, problem, media="application/problem+json")
    message = {"category": "ERROR", "code": refusal.code, "text": text}
    if refusal.path:
        message["path"] = refusal.path
    return Answer(refusal.status, {"tppMessages": [message]})


def site(path: str) -> str:
    """Return a URL of the bank, absolute or relative as switched."""
    return path if faults.on("bank_relative_links") else current_app.config["BASE_URL"] + path


def links(bank_id: str, **paths: str) -> dict[str, dict[str, str]]:
    """Return the _links of an answer, from names and paths below /v1."""
    return {name: {"href": site(f"/bank/{bank_id}/v1{path}")} for name, path in paths.items()}


def page_link(path: str) -> dict[str, str]:
    """Return the link to a page where a person signs or consents."""
    if faults.on("bank_foreign_redirect"):
        return {"href": f"https://bank.example.net{path}"}
    return {"href": site(path)}
