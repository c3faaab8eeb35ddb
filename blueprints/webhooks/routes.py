from flask import Blueprint, Response, request
from peewee import PeeweeException
from werkzeug.exceptions import RequestEntityTooLarge

from domain.common.errors import NotFound
from domain.orders import status_callbacks
from domain.payroll import webhook_deliveries
from jobs import enqueue

MOST_BYTES = 64 * 1024
# Headers stored to help interpret a delivery; never cookies or authorization.
KEPT_HEADERS = ("Content-Type", "User-Agent", "Content-Length", "Date", "X-Request-Id", "Webhook-Id")

blueprint = Blueprint("webhooks", __name__)


@blueprint.route("/client/<key>/webhooks/paymentsbatch", methods=["GET", "POST"])
def nmbrs_webhook(key: str) -> Response:
    """Store the delivery and return an empty 200, whatever a POST contains; GET and HEAD change nothing."""
    try:
        if request.method != "POST":
            return Response(status=200 if webhook_deliveries.is_known_key(key) else 404)
        body = _body()
        headers = {name: request.headers[name][:500] for name in KEPT_HEADERS if name in request.headers}
        client_id = webhook_deliveries.store_delivery(key, request.headers.get("Content-Type", ""), headers, body)
    except NotFound:
        return Response(status=404)
    except RequestEntityTooLarge:
        return Response(status=413)
    except (PeeweeException, webhook_deliveries.TooManyWaiting):
        return Response(status=503, headers={"Retry-After": "60"})
    enqueue("take_turn", client_id)
    return Response(status=200)


@blueprint.post("/bank/seintje/<state>")
def bank_callback(state: str) -> Response:
    """Schedule a status poll of the order. The content of the callback is neither stored nor trusted."""
    try:
        _body()
        return Response(status=200 if status_callbacks.handle_callback(state) else 404)
    except RequestEntityTooLarge:
        return Response(status=413)
    except PeeweeException:
        return Response(status=503, headers={"Retry-After": "60"})


def _body() -> bytes:
    """Return the raw body, also without Content-Length, up to the limit."""
    if (request.content_length or 0) > MOST_BYTES:
        raise RequestEntityTooLarge
    body = request.stream.read(MOST_BYTES + 1)
    query = request.query_string
    if len(body) + len(query) > MOST_BYTES:
        raise RequestEntityTooLarge
    return body or query
