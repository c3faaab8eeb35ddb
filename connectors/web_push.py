"""Web push: send an encrypted message to one browser, through the push service that the browser chose.

Encrypted for that browser only (RFC 8291, aes128gcm), signed with VAPID (RFC 8292) and sent as RFC 8030 defines. The
endpoint comes from a browser and cannot be trusted: messages are sent over https to listed push services only, and
redirects are not followed.
"""

import http.client
import json
import re
import socket
import ssl
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from connectors import calls
from core.clock import utcnow

Urgency = Literal["very-low", "low", "normal", "high"]
LONGEST_ENDPOINT = 1000  # characters
MOST_BYTES = 3993  # of a message before encryption (RFC 8291, section 4)
LONGEST_PAUSE = 24 * 3600  # seconds; the longest wait that a push service may ask for
_STEP = 512  # messages are padded to a multiple of this, so that their length reveals nothing
_SIGNED_FOR = timedelta(hours=6)  # RFC 8292 allows a day
# Push services of Chromium, Firefox, Safari and Edge. "*." matches any subdomain.
PUSH_SERVICES = (
    "fcm.googleapis.com", "*.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com",
)  # fmt: skip


class PushError(Exception):
    """The push service did not accept the message. Never includes the endpoint, which identifies the browser."""


class PushGone(PushError):
    """The subscription has ended (404, 410): delete it."""


class PushLater(PushError):
    """A temporary failure (429, 5xx, no answer): retry later. `seconds` is the wait that the service asks for, if any.

    Without an answer the message may have been accepted; the same topic ensures that it is shown once.
    """

    def __init__(self, reason: str, seconds: int | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class PushRefused(PushError):
    """The service permanently refuses this message."""


class UnfitSubscription(ValueError):
    """Not a browser's subscription, or an endpoint outside the listed push services."""


@dataclass(frozen=True)
class Subscription:
    """A browser's subscription. The keys are base64url: a P-256 point and 16 bytes."""

    endpoint: str = field(repr=False)
    public_key: str = field(repr=False)
    auth: str = field(repr=False)

    @classmethod
    def read(cls, text: str) -> "Subscription":
        """Parse the JSON of a PushSubscription.

        Raises:
        - UnfitSubscription
        """
        try:
            told = json.loads(text)
            made = cls(told["endpoint"], told["keys"]["p256dh"], told["keys"]["auth"])
            _receiver(made)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnfitSubscription("not a subscription") from error
        return made


@dataclass(frozen=True)
class PushMessage:
    """A message. `ttl` (seconds) is how long the service keeps it for an offline browser.

    It replaces a waiting message with the same `topic` (at most 32 letters, digits, - and _).
    """

    content: bytes = field(repr=False)
    ttl: int
    topic: str
    urgency: Urgency = "normal"


@dataclass(frozen=True)
class WebPushClient:
    """Sends messages. `key` is our VAPID key, 32 bytes in base64url; `contact` is a mail address for the push services.

    `services`: the allowed hosts, as in PUSH_SERVICES.
    `local`: origin of an allowed push service on this machine, for development; empty for none.
    `timeout`: seconds, for the whole exchange. `tls`: replaces the default trust.
    """

    key: str = field(repr=False)
    contact: str
    local: str = ""
    timeout: float = 10
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    services: tuple[str, ...] = PUSH_SERVICES

    def __post_init__(self) -> None:
        """Check the key.

        Raises:
        - ValueError: it is invalid.
        """
        _ = self.public_key

    @cached_property
    def _private(self) -> ec.EllipticCurvePrivateKey:
        number = _decoded(self.key)
        if len(number) != 32:
            raise ValueError("a VAPID key has 32 bytes")
        return ec.derive_private_key(int.from_bytes(number), ec.SECP256R1())

    @cached_property
    def public_key(self) -> str:
        """Return the applicationServerKey for browsers, in base64url."""
        return _encoded(_point(self._private.public_key()))

    def check(self, subscription: Subscription) -> None:
        """Check that messages may be sent to this endpoint, without a DNS lookup.

        Raises:
        - UnfitSubscription
        """
        _validate_endpoint(subscription.endpoint, self.local, self.services)

    def send(self, subscription: Subscription, message: PushMessage) -> None:
        """Send one message to the browser's push service.

        Raises:
        - PushGone
        - PushLater
        - PushRefused: also for an endpoint that is not allowed.
        """
        try:
            place = _validate_endpoint(subscription.endpoint, self.local, self.services)
            body = _encrypted(subscription, message)
        except (UnfitSubscription, ValueError) as error:
            raise PushRefused(str(error)) from None
        headers = {
            "Authorization": f"vapid t={self._token(place)}, k={self.public_key}", "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream", "TTL": str(message.ttl), "Urgency": message.urgency,
            "Topic": message.topic, "Connection": "close",
        }  # fmt: skip
        with calls.reported("push", "send", refusals=(PushGone, PushRefused)):
            _raise_for_status(*self._exchange(place, headers, body))

    def _token(self, place: SplitResult) -> str:
        """Return the VAPID token for this service (RFC 8292, section 2)."""
        claims = {
            "aud": f"{place.scheme}://{place.netloc}", "exp": int((utcnow() + _SIGNED_FOR).timestamp()),
            "sub": f"mailto:{self.contact}",
        }  # fmt: skip
        return jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, ECKey.import_key(self._private), ["ES256"])

    def _exchange(self, place: SplitResult, headers: dict[str, str], body: bytes) -> tuple[int, str | None]:
        """Return status and Retry-After of the answer."""
        host, port = place.hostname or "", place.port or 443
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        try:
            sock = socket.create_connection((host, port), self.timeout)
            with closing(sock), _limited(sock, self.timeout):
                line = http.client.HTTPConnection(host, port, timeout=self.timeout)
                if place.scheme == "https":
                    line = http.client.HTTPSConnection(host, port, timeout=self.timeout)
                    sock = (self.tls or ssl.create_default_context()).wrap_socket(sock, server_hostname=host)
                with closing(line):
                    line.sock = sock  # connected above, so that the time limit includes the TLS handshake
                    line.request("POST", target, body, headers)
                    answer = line.getresponse()
                    return answer.status, answer.headers.get("Retry-After")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PushLater(f"no answer: {type(error).__name__}") from None


def _raise_for_status(status: int, retry_after: str | None) -> None:
    """Raise for a status that is not success (RFC 8030, sections 5 and 7.3)."""
    if status in (200, 201, 202):
        return
    if status in (404, 410):
        raise PushGone(f"answered {status}")
    if status == 429 or status >= 500:
        raise PushLater(f"answered {status}", _seconds(retry_after))
    raise PushRefused(f"answered {status}")  # redirects too: they are never followed


def _seconds(retry_after: str | None) -> int | None:
    """Parse Retry-After: seconds or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return min(int(retry_after), LONGEST_PAUSE)
    with suppress(ValueError, TypeError):
        left = (parsedate_to_datetime(retry_after) - utcnow()).total_seconds()
        return min(max(int(left), 0), LONGEST_PAUSE)
    return None


# --- endpoints ---
def _validate_endpoint(endpoint: object, local: str, services: tuple[str, ...]) -> SplitResult:
    """Return the parts of an endpoint at an allowed push service.

    Raises:
    - UnfitSubscription: any other address.
    """
    if not isinstance(endpoint, str) or not re.fullmatch(rf"[\x21-\x7e]{{1,{LONGEST_ENDPOINT}}}", endpoint):
        raise UnfitSubscription("not an address")
    try:
        place = urlsplit(endpoint)
        port = place.port
    except ValueError as error:
        raise UnfitSubscription("not an address") from error
    if local and f"{place.scheme}://{place.netloc}" == local:
        return place
    if place.scheme != "https" or port not in (None, 443) or "@" in place.netloc:
        raise UnfitSubscription("not https")
    if not any(_is_host_of(place.hostname or "", service) for service in services):
        raise UnfitSubscription("not a known push service")
    return place


def _is_host_of(host: str, service: str) -> bool:
    """Return whether the host is this push service, or a subdomain if the service starts with "*."."""
    return host.endswith(service[1:]) if service.startswith("*.") else host == service


@contextmanager
def _limited(sock: socket.socket, seconds: float) -> Iterator[None]:
    """Shut the connection down when the time is up. A socket timeout would restart with every byte."""
    kept = sock.dup()  # TLS takes over the original socket

    def cut() -> None:
        with suppress(OSError):  # the other side closed first
            kept.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        kept.close()


# --- encryption ---
def _encrypted(subscription: Subscription, message: PushMessage) -> bytes:
    """Encrypt a message for this browser (RFC 8291), with a new key pair per message."""
    size = -(-max(len(message.content), 1) // _STEP) * _STEP
    content = message.content.ljust(min(size, MOST_BYTES))  # white space after JSON has no meaning
    if len(content) > MOST_BYTES:
        raise UnfitSubscription("too long a message")
    receiver, secret = _receiver(subscription)
    return http_ece.encrypt(
        content, private_key=ec.generate_private_key(ec.SECP256R1()), dh=_point(receiver), auth_secret=secret,
        version="aes128gcm",
    )  # fmt: skip


def _receiver(subscription: Subscription) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    """Return the browser's public key and secret.

    Raises:
    - ValueError
    """
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(subscription.public_key))
    secret = _decoded(subscription.auth)
    if len(secret) != 16:
        raise ValueError("the secret of a browser has 16 bytes")
    return key, secret


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Decode base64url, with or without padding.

    Raises:
    - ValueError
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}=*", text):
        raise ValueError("not base64url")
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
