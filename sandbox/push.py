"""A push service of a browser vendor: accepts messages for browsers and stores them.

A test registers a browser's private key under /control/push/<name>; then messages to /push/<name> are decrypted and
shown there. An unregistered address accepts messages too, but cannot decrypt them.
"""

import json
import re
from base64 import urlsafe_b64decode
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from sandbox import clock, faults
from sandbox.control import BadControl, json_object
from sandbox.store import Document, get_store

KIND, RECEIVERS = "push", "push_receiver"
MOST_BYTES = 4096  # of a body (RFC 8030)
LONGEST_SIGNED = 24 * 3600  # seconds (RFC 8292)
URGENCIES = {"very-low", "low", "normal", "high"}

service = Blueprint("push", __name__)


class NotTaken(Exception):
    """The service refuses this request."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@service.post("/push/<name>")
def take(name: str):
    if faults.on("push_gone"):
        return "gone", 410
    if faults.on("push_busy"):
        return "too many", 429, {"Retry-After": "120"}
    if faults.on("push_down"):
        return "down", 500
    if faults.on("push_elsewhere"):
        return "", 307, {"Location": f"{current_app.config['BASE_URL']}/push/{name}-elders"}
    claims, headers = signed(), asked()
    number = get_store().next_number(KIND)
    doc = {
        "id": str(number), "for": name, "ttl": headers["TTL"], "urgency": headers["Urgency"], "topic": headers["Topic"],
        "claims": claims, "size": len(request.get_data()), "told": read(name, request.get_data()),
        "received_at": clock.now().isoformat(),
    }  # fmt: skip
    get_store().put(KIND, number, doc)
    return Response(status=201, headers={"Location": f"{current_app.config['BASE_URL']}/push/message/{number}"})


def signed() -> dict[str, Any]:
    """Return the VAPID claims of the sender (RFC 8292).

    Raises:
    - NotTaken: the given key did not sign them.
    """
    found = re.fullmatch(r"vapid t=([\w.-]+), ?k=([\w-]+)", request.headers.get("Authorization", ""))
    if not found:
        raise NotTaken(401, "no VAPID")
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(found[2]))
        claims = jwt.decode(found[1], ECKey.import_key(point), ["ES256"]).claims
    except (JoseError, ValueError) as error:
        raise NotTaken(403, "the signature does not hold") from error
    left = claims.get("exp", 0) - clock.now().timestamp()
    if claims.get("aud") != current_app.config["BASE_URL"] or not 0 < left <= LONGEST_SIGNED:
        raise NotTaken(403, "signed for another, or for too long")
    return {**claims, "left": round(left), "key": found[2]}


def asked() -> dict[str, str]:
    """Return the headers of RFC 8030.

    Raises:
    - NotTaken: one is missing or invalid.
    """
    headers = request.headers
    if not re.fullmatch(r"[0-9]+", headers.get("TTL", "")):
        raise NotTaken(400, "no TTL")
    if headers.get("Content-Encoding") != "aes128gcm" or len(request.get_data()) > MOST_BYTES:
        raise NotTaken(413 if len(request.get_data()) > MOST_BYTES else 415, "not a message")
    if headers.get("Urgency", "normal") not in URGENCIES or not re.fullmatch(r"[\w-]{0,32}", headers.get("Topic", "")):
        raise NotTaken(400, "no such urgency or topic")
    return {name: headers.get(name, "") for name in ("TTL", "Urgency", "Topic")}


def read(name: str, body: bytes) -> Any:
    """Return the message as this browser decrypts it; None if it is not registered or cannot."""
    receiver = get_store().get(RECEIVERS, name)
    if receiver is None:
        return None
    key = ec.derive_private_key(int.from_bytes(decoded(receiver["private_key"])), ec.SECP256R1())
    try:
        return json.loads(http_ece.decrypt(body, private_key=key, auth_secret=decoded(receiver["auth"])))
    except (http_ece.ECEException, ValueError):
        return None


@service.app_errorhandler(NotTaken)
def say_why(error: NotTaken):
    return str(error), error.status


# --- control ---
@service.put("/control/push/<name>")
def register(name: str):
    given = json_object()
    try:
        sizes = [len(decoded(given[field])) for field in ("private_key", "auth")]
    except (KeyError, TypeError, ValueError) as error:
        raise BadControl("private_key and auth in base64url are expected") from error
    if sizes != [32, 16]:
        raise BadControl("private_key has 32 bytes, auth 16")
    get_store().put(RECEIVERS, name, {"private_key": given["private_key"], "auth": given["auth"]})
    return jsonify(endpoint=f"{current_app.config['BASE_URL']}/push/{name}")


@service.get("/control/push")
def every_message():
    return jsonify(messages())


@service.get("/control/push/<name>")
def messages_for(name: str):
    return jsonify([one for one in messages() if one["for"] == name])


def messages() -> list[Document]:
    """Return all messages, newest first."""
    return get_store().all(KIND)[::-1]


def setup(app: Flask) -> None:
    faults.declare("push_gone", "De pushdienst kent de telefoon niet meer (410)")
    faults.declare("push_busy", "De pushdienst heeft het te druk (429)")
    faults.declare("push_down", "De pushdienst is stuk (500)")
    faults.declare("push_elsewhere", "De pushdienst stuurt door naar een ander adres (307)")
    app.register_blueprint(service)
