"""What a bank can get wrong, as switches."""

import socket
import time

from flask import Response, abort, request

from sandbox import faults
from sandbox.bank.answers import Refused

HANG_SECONDS = 60

SWITCHES = {
    "bank_down": "Elke aanroep van een bank geeft status 503",
    "bank_hang": "Elke aanroep van een bank blijft een minuut hangen; wie ophangt, is niet gehoord",
    "bank_lost_answer": "De bank neemt een opdracht aan, maar haar antwoord gaat verloren",
    "bank_strange_answer": "De bank neemt een opdracht aan, maar antwoordt met een HTML-pagina (status 200)",
    "bank_rejects_at_execution": "De bank weigert een ondertekende opdracht op de dag van uitvoering (RJCT)",
    "bank_partial_execution": "De bank voert de eerste betaling van een opdracht niet uit (PART)",
    "bank_relative_links": "De links in de antwoorden zijn relatief",
    "bank_forgets_request_id": "De bank herkent een herhaald X-Request-ID niet (een dubbele MsgId wel)",
    "bank_refuses_orders": "De bank weigert elke opdracht (400 PAYMENT_FAILED)",
    "bank_never_executes": "De bank laat ondertekende opdrachten liggen, hoeveel dagen er ook voorbijgaan",
}


def declare_all() -> None:
    for name, description in SWITCHES.items():
        faults.declare(name, description)


def before_call() -> None:
    """Keep the caller waiting, or be down, as switched."""
    ends = time.monotonic() + HANG_SECONDS
    while faults.on("bank_hang") and time.monotonic() < ends:
        if caller_is_gone():
            abort(503)
        time.sleep(0.1)
    if faults.on("bank_down"):
        abort(503)


def line() -> socket.socket | None:
    """The connection of this request, which waitress keeps behind its disconnect check."""
    ask = request.environ.get("waitress.client_disconnected")
    return ask.__self__.socket if ask else None


def caller_is_gone() -> bool:
    connection = line()
    if connection is None:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def refuse_order() -> None:
    if faults.on("bank_refuses_orders"):
        raise Refused(400, "PAYMENT_FAILED", "the bank takes no orders now")


def spoil(answer: Response) -> Response:
    """The answer to an order that was taken, lost or made strange as switched."""
    if faults.on("bank_lost_answer"):
        hang_up()
    if faults.on("bank_strange_answer"):
        return Response("<!doctype html><title>Bank</title><p>Een ogenblik geduld.</p>", mimetype="text/html")
    return answer


def hang_up() -> None:
    """End the connection with nothing said, as a broken line does."""
    connection = line()
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
