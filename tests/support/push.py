"""A browser that subscribes at the sandbox's push service, with its own keys."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from itertools import count
from os import urandom
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.web_push import Subscription
from tests.support.sandbox import Sandbox

_numbers = count(1)


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Receiver:
    """A subscriber, registered at the sandbox unless `unknown`; then nobody can decrypt its messages."""

    sandbox: Sandbox
    unknown: bool = False
    name: str = field(default_factory=lambda: f"phone{next(_numbers)}")

    def __post_init__(self) -> None:
        key, self.auth = ec.generate_private_key(ec.SECP256R1()), urandom(16)
        self.endpoint = f"{self.sandbox.url}/push/{self.name}"
        self.point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        number = key.private_numbers().private_value.to_bytes(32)
        if not self.unknown:
            given = {"private_key": encoded(number), "auth": encoded(self.auth)}
            self.sandbox.control("PUT", f"push/{self.name}", given)

    @property
    def subscription(self) -> Subscription:
        return Subscription(self.endpoint, encoded(self.point), encoded(self.auth))

    @property
    def written(self) -> str:
        """The subscription as JSON, as a browser writes it."""
        keys = {"p256dh": encoded(self.point), "auth": encoded(self.auth)}
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": keys})

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages that the push service accepted for it, newest first."""
        return self.sandbox.control("GET", f"push/{self.name}")

    def told(self) -> list[dict[str, Any]]:
        """Return the messages that it could decrypt, newest first."""
        return [one["told"] for one in self.messages()]
