"""How a bank answers: a body with its status, or a refusal in one of the two error forms."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import Response, current_app

from sandbox import faults

MAX_TEXT = 500
# These go without a body: the contract describes none.
BARE = (406, 408, 415, 500, 503, 504)


@dataclass(frozen=True)
class Answer:
    """`body`: a dict or list becomes JSON, a text goes as it is, None is nothing."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


class Refusal(Exception):
    """The bank says no: HTTP status, Berlin Group message code, what is wrong and where."""

    def __init__(self, status: int, code: str = "", text: str = "", path: str = "", page: str = ""):
        super().__init__(f"{status} {code} {text}")
        self.status, self.code, self.text, self.path, self.page = status, code, text, path, page


def response(answer: Answer, request_id: str) -> Response:
    """The HTTP response; X-Request-ID comes back on each."""
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
    """The error as the bank words it: tppMessages, or problem+json when that is switched on."""
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
    """An address of the bank's, whole or relative as switched."""
    return path if faults.on("bank_relative_links") else current_app.config["BASE_URL"] + path


def links(bank_id: str, **paths: str) -> dict[str, dict[str, str]]:
    """The _links of an answer: names to paths below /v1."""
    return {name: {"href": site(f"/bank/{bank_id}/v1{path}")} for name, path in paths.items()}


def page_link(path: str) -> dict[str, str]:
    """The link to a page where a person signs or consents."""
    if faults.on("bank_foreign_redirect"):
        return {"href": f"https://bank.example.net{path}"}
    return {"href": site(path)}
