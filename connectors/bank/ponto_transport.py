"""One exchange with Ponto: its headers, its signature, and what the answer says about the outcome.

Signature: draft-cavage "hs2019" over (request-target) host digest (created), authorization and every Ibanity header;
RSA-PSS with SHA-256 and a salt of 32 bytes; Digest in SHA-512. Ibanity-Idempotency-Key marks a repeated POST. Sources:
Ibanity's clients and Postman collection (docs/ponto.md).
"""

import re
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.bank import response_links, response_parsing
from connectors.bank.port import BankConfig, BankError, BankRefused, NotDelivered, OutcomeUnknown
from connectors.bank.transport import Answer, Request, TimedOut, send_request
from core.hidden_characters import load_json

JSON_API = "application/vnd.api+json"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True)
class PontoSigner:
    """The key of our signature certificate, and Ibanity's id of that certificate."""

    key: rsa.RSAPrivateKey = field(repr=False)
    key_id: str

    def headers(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the Digest and Signature headers of a request that is sent now."""
        parts, created = urlsplit(url), int(time.time())
        digest = f"SHA-512={b64encode(sha512(body).digest()).decode()}"
        target = f"{method.lower()} {parts.path}{'?' if parts.query else ''}{parts.query}"
        signed = {"(request-target)": target, "host": parts.netloc, "digest": digest, "(created)": str(created)}
        for name, value in headers.items():
            if name.lower() == "authorization" or name.lower().startswith("ibanity-"):
                signed[name.lower()] = value
        text = "\n".join(f"{name}: {value}" for name, value in signed.items())
        how = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = b64encode(self.key.sign(text.encode("latin-1"), how, hashes.SHA256())).decode()
        said = f'keyId="{self.key_id}",created={created},algorithm="hs2019",headers="{" ".join(signed)}"'
        return {"Digest": digest, "Signature": f'{said},signature="{signature}"'}


def signer_of(key_file: str, key_id: str) -> PontoSigner:
    """Load a signer from a PEM file.

    Raises:
    - ValueError: the file has no RSA key without a password.
    """
    key = serialization.load_pem_private_key(Path(key_file).read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the key that signs for Ponto must be RSA")
    return PontoSigner(key, key_id)


@dataclass(frozen=True)
class PontoSettings:
    """Our client settings at Ponto. `authority` is the host of the authorization endpoint; timeouts in seconds.

    Without `tls` no client certificate is used and without `signer` nothing is signed: for the sandbox only.
    """

    authority: str
    client_id: str
    client_secret: str = field(repr=False)
    signer: PontoSigner | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    connect_timeout: float = 5
    read_timeout: float = 30
    order_timeout: float = 60


Observe = Callable[[Request, Answer | None], None]


class PontoWire:
    """Sends requests to Ponto; without connection or state. `observe` is called after each with the answer or None."""

    def __init__(self, settings: PontoSettings, observe: Observe | None = None) -> None:
        self._settings, self._observe = settings, observe or (lambda request, answer: None)

    def read(self, config: BankConfig, link: str) -> Answer:
        """Send a GET. It changes nothing, so a failed one is sent once more, unless it timed out."""
        token = _token(config)
        try:
            return self._ask(config, "GET", link, token)
        except TimedOut:
            raise
        except (NotDelivered, OutcomeUnknown):
            return self._ask(config, "GET", link, token)

    def ask(self, config: BankConfig, method: str, link: str, body: bytes = b"", key: str | None = None) -> Answer:
        """Send one request for the customer and return its successful answer. `key` is the idempotency key."""
        return self._ask(config, method, link, _token(config), body, key)

    def _ask(
        self, config: BankConfig, method: str, link: str, token: str, body: bytes = b"", key: str | None = None
    ) -> Answer:
        """Send a request; after a 401 nothing was done, so send it once more with a new access token."""
        answer = self._once(config, method, link, token, body, key)
        if answer.status == 401:
            answer = self._once(config, method, link, _token(config, token), body, key)
        return raise_for_ponto_status(answer)

    def _once(self, config: BankConfig, method: str, link: str, token: str, body: bytes, key: str | None) -> Answer:
        headers = {"Accept": JSON_API, "Authorization": f"Bearer {token}"}
        if body:
            headers["Content-Type"] = JSON_API
        if key is not None:
            headers["Ibanity-Idempotency-Key"] = key
        seconds = self._settings.order_timeout if method == "POST" else self._settings.read_timeout
        return self.send(method, response_links.api_address(config, link), headers, body, seconds)

    def send(self, method: str, url: str, headers: dict[str, str], body: bytes, seconds: float) -> Answer:
        """Send one request, signed if there is a key.

        Raises:
        - NotDelivered
        - OutcomeUnknown
        """
        signer = self._settings.signer
        signed = headers | signer.headers(method, url, body, headers) if signer else headers
        request = Request(method, url, signed, body)
        try:
            answer = send_request(request, self._settings.connect_timeout, seconds, self._settings.tls)
        except BankError:
            self._observe(request, None)
            raise
        self._observe(request, answer)
        return answer


def _token(config: BankConfig, refused: str | None = None) -> str:
    """Return the customer's access token, or a new one after `refused`."""
    if config.access is None:
        raise NotDelivered(f"bank {config.id}: no key of the customer's")
    return config.access(refused)


def raise_for_ponto_status(answer: Answer) -> Answer:
    """Return a successful answer.

    A 4xx is a refusal by Ponto if it carries a JSON:API error with a code; so is 429. A conflict (409) may be with an
    earlier submission of this request, so its outcome is unknown.

    Raises:
    - BankRefused: Ponto refused the request.
    - OutcomeUnknown: anything else.
    """
    if 200 <= answer.status < 300:
        return answer
    if 400 <= answer.status < 500 and answer.status not in (408, 409):
        refusal = _refusal(answer)
        if refusal is not None:
            raise BankRefused(answer.status, *refusal)
    raise OutcomeUnknown(f"HTTP {answer.status}")


def _refusal(answer: Answer) -> tuple[str, str] | None:
    try:
        found = load_json(answer.body.decode("utf-8"))
        first = found["errors"][0]
        code, detail = first["code"], first.get("detail")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return None
    return code, detail[: response_parsing.LONGEST_TEXT] if isinstance(detail, str) else ""
