"""Answers of the REST API: the vendor's error bodies, and paged lists."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import jsonify, request

from sandbox import faults
from sandbox.store import Document

DOCS = "https://developer.nmbrs.com/api/docs/errors"
DEFAULT_SIZE, LARGEST_SIZE, SMALL_SIZE = 20, 100, 2

# code: (type, title, detail); the first three digits of a code are the HTTP status.
ERRORS = {
    40033: ("validationError", "Parameter_Invalid", "Invalid parameter."),
    40101: ("authenticationError", "Missing_Token", "Token is missing on the authentication"),
    40102: ("authenticationError", "Invalid_Token", "Token is invalid."),
    40303: (
        "authenticationError",
        "Unauthorized_AccessData",
        "You do not have access for the debtor or company you are trying to reach.",
    ),
    40304: ("authenticationError", "Invalid_Subscription", "There is no valid subscription for this environment."),
    40306: (
        "authenticationError",
        "Multiple_Debtors",
        "The consent spans more than one debtor: ask for the companies of each debtor.",
    ),
    40401: ("invalidRequestError", "Not_Found", "The requested resource could not be found."),
    40404: ("invalidRequestError", "Invalid_Company", "Company not found. Check if the company Id is correct."),
    42908: ("throttlingError", "Too_Many_Calls", "More calls than your subscription plan allows."),
    42909: ("throttlingError", "Quota_Exceeded", "Out of call volume quota."),
    50001: ("apiError", "Unkown", "An unexpected error has occurred."),  # the vendor's spelling
    50201: ("apiError", "Bad_Gateway", "A gateway error has occurred."),
    50301: ("apiError", "Service_Unavailable", "The API is not available."),
}

# Faults that apply to every call, outermost layer first.
SWITCHED = {
    "nmbrs_rest_503": 50301,
    "nmbrs_rest_50201": 50201,
    "nmbrs_rest_50001": 50001,
    "nmbrs_rest_42909": 42909,
    "nmbrs_rest_42908": 42908,
    "nmbrs_rest_401": 40102,
    "nmbrs_rest_40304": 40304,
    "nmbrs_rest_40303": 40303,
}


class RestError(Exception):
    """An error with one of the vendor's codes; `detail` replaces its standard text."""

    def __init__(self, code: int, detail: str | None = None, wrong: dict[str, str] | None = None):
        super().__init__(f"{code}: {detail or ERRORS[code][2]}")
        self.code, self.detail, self.wrong = code, detail or ERRORS[code][2], wrong or {}


def invalid(name: str, reason: str) -> RestError:
    return RestError(40033, wrong={name: reason})


def refuse() -> None:
    """Raise the error that is switched on, if any."""
    for switch, code in SWITCHED.items():
        if faults.on(switch):
            raise RestError(code)


def error_answer(error: RestError):
    # The contract has no Retry-After for 429, so neither has this.
    kind, title, _ = ERRORS[error.code]
    status = error.code // 100
    body: Document = {"type": kind, "httpStatus": status, "code": error.code, "title": title}
    body |= {"detail": error.detail, "docUrl": "https://status.nmbrs.com/" if status == 503 else DOCS}
    if error.wrong:
        body["invalid-params"] = [{"name": name, "reason": reason} for name, reason in error.wrong.items()]
    return jsonify(body), status


def whole(name: str, least: int, most: int, otherwise: int) -> int:
    """Return a number from the query.

    Raises:
    - RestError: 40033 if it is invalid or out of range.
    """
    text = request.args.get(name, "")
    if not text:
        return otherwise
    if not text.isdecimal() or not least <= int(text) <= most:
        raise invalid(name, f"The parameter is invalid. It needs to be from {least} to {most}.")
    return int(text)


def page_of(items: Sequence[Any], shape: Callable[[Any], Document]) -> Document:
    """Return the requested page in the vendor's format; a page after the last one is empty."""
    number = whole("pageNumber", 1, 1_000_000, 1)
    size = whole("pageSize", 1, LARGEST_SIZE, DEFAULT_SIZE)
    if faults.on("nmbrs_rest_small_pages"):
        size = SMALL_SIZE
    shown = items[(number - 1) * size : number * size]
    return {"pagination": pagination(number, size, len(items)), "data": [extended(shape(item)) for item in shown]}


def pagination(number: int, size: int, records: int) -> Document:
    pages = -(-records // size)
    return {
        "pageNumber": number,
        "pageSize": size,
        "firstPage": page_address(1),
        "lastPage": page_address(max(pages, 1)),
        "totalPages": pages,
        "totalRecords": records,
        "nextPage": page_address(number + 1) if number < pages else None,
        "previousPage": page_address(number - 1) if number > 1 else None,
    }


def page_address(number: int) -> str:
    return f"{request.base_url}?{urlencode(request.args.to_dict() | {'pageNumber': number})}"


def extended(doc: Document) -> Document:
    """Add an unknown field if switched on, as the vendor may do without notice."""
    return doc | {"addedByVendor": "new"} if faults.on("nmbrs_rest_extra_field") else doc
