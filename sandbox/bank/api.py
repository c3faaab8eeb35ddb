"""The front door of a bank's API: which bank, who calls, under which request id."""

from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, NotFound

from sandbox.bank import answers, banks, misbehaviour, signature
from sandbox.bank.answers import Refused

api = Blueprint("bank_api", __name__, url_prefix="/bank/<bank_id>/v1")


@api.url_value_preprocessor
def take_bank(endpoint: str | None, values: dict | None) -> None:
    g.bank = banks.bank((values or {}).pop("bank_id", ""))


@api.before_request
def let_in() -> None:
    if g.bank is None:
        raise NotFound
    misbehaviour.before_call()
    check_request_id()
    signature.check(request)


def check_request_id() -> None:
    try:
        UUID(request.headers.get("X-Request-ID", ""))
    except ValueError as error:
        raise Refused(400, "FORMAT_ERROR", "a uuid is expected", "X-Request-ID") from error


@api.after_request
def name_request(answer: Response) -> Response:
    answer.headers["X-Request-ID"] = request.headers.get("X-Request-ID", "")
    return answer


@api.errorhandler(Refused)
def say_no(error: Refused):
    return answers.refusal(error)


@api.errorhandler(HTTPException)
def say_what_went_wrong(error: HTTPException):
    if error.code == 404:
        return answers.refusal(Refused(404, "RESOURCE_UNKNOWN", "there is no such resource"))
    # The contract prescribes no body for what concerns the transport alone.
    return jsonify(), error.code or 500


def need_psu_address() -> None:
    """The two calls that begin something for a person must say from where (facts, 1.2)."""
    if not request.headers.get("PSU-IP-Address"):
        raise Refused(400, "FORMAT_ERROR", "PSU-IP-Address is missing", "PSU-IP-Address")


def redirect_addresses() -> tuple[str, str]:
    """Where the person goes after yes and after no."""
    back = request.headers.get("TPP-Redirect-URI", "")
    if not back.startswith(("http://", "https://")):
        raise Refused(400, "FORMAT_ERROR", "TPP-Redirect-URI is missing", "TPP-Redirect-URI")
    return back, request.headers.get("TPP-Nok-Redirect-URI") or back


def json_body() -> dict:
    """The request's JSON object; an empty body counts as {}."""
    if not request.get_data(cache=True):
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused(400, "FORMAT_ERROR", "a JSON object is expected")
    return body
