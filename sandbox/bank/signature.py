"""The client's signature on a request: Digest, Signature, TPP-Signature-Certificate (draft-cavage)."""

import base64
import hashlib
import re
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Request

from sandbox.bank.answers import Refused
from sandbox.store import Document, get_store

KIND = "bank_certificate"
PARTS = re.compile(r'(\w+)="([^"]*)"')
DIGESTS = {"SHA-256": hashlib.sha256, "SHA-512": hashlib.sha512}
# Whichever of these a request carries, the signature must cover.
COVERED_IF_SENT = ("digest", "psu-id", "psu-corporate-id", "tpp-redirect-uri")


def check(request: Request) -> None:
    """Refuse the request (401) unless it is signed, with a certificate that is known or new."""
    check_digest(request)
    parts = signature_parts(request.headers)
    names = parts["headers"].lower().split()
    check_coverage(request, names)
    certificate = read_certificate(request.headers)
    verify(certificate, parts, signing_string(request, names))
    pin(parts["keyId"], certificate)


def check_digest(request: Request) -> None:
    sent = request.headers.get("Digest")
    if sent is None:
        if request.get_data(cache=True):
            raise Refused(401, "SIGNATURE_MISSING", "Digest is missing")
        return
    name, _, value = sent.partition("=")
    digest = DIGESTS.get(name.upper())
    if digest is None or base64.b64encode(digest(request.get_data(cache=True)).digest()).decode() != value:
        raise Refused(401, "SIGNATURE_INVALID", "Digest does not fit the body")


def signature_parts(headers: Mapping[str, str]) -> dict[str, str]:
    text = headers.get("Signature", "")
    if not text:
        raise Refused(401, "SIGNATURE_MISSING", "Signature is missing")
    parts = dict(PARTS.findall(text))
    if missing := {"keyId", "algorithm", "headers", "signature"} - set(parts):
        raise Refused(401, "SIGNATURE_INVALID", f"Signature lacks {', '.join(sorted(missing))}")
    if parts["algorithm"].lower() != "rsa-sha256":
        raise Refused(401, "SIGNATURE_INVALID", "algorithm: rsa-sha256 is expected")
    if not re.fullmatch(r"SN=[0-9A-Fa-f]+,CA=.+", parts["keyId"]):
        raise Refused(401, "SIGNATURE_INVALID", "keyId: SN=…,CA=… is expected")
    return parts


def check_coverage(request: Request, names: list[str]) -> None:
    needed = ["x-request-id", "date"] + [name for name in COVERED_IF_SENT if name in request.headers]
    if missing := [name for name in needed if name not in names]:
        raise Refused(401, "SIGNATURE_INVALID", f"not signed: {', '.join(missing)}")
    if absent := [name for name in names if name not in request.headers]:
        raise Refused(401, "SIGNATURE_INVALID", f"signed but not sent: {', '.join(absent)}")


def read_certificate(headers: Mapping[str, str]) -> x509.Certificate:
    text = headers.get("TPP-Signature-Certificate")
    if not text:
        raise Refused(401, "CERTIFICATE_MISSING", "TPP-Signature-Certificate is missing")
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise Refused(401, "CERTIFICATE_INVALID", "TPP-Signature-Certificate: base64 of DER is expected") from error


def signing_string(request: Request, names: list[str]) -> bytes:
    return "\n".join(f"{name}: {request.headers[name]}" for name in names).encode("latin-1")


def verify(certificate: x509.Certificate, parts: dict[str, str], signed: bytes) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise Refused(401, "CERTIFICATE_INVALID", "an RSA key is expected")
    try:
        key.verify(base64.b64decode(parts["signature"], validate=True), signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError) as error:
        raise Refused(401, "SIGNATURE_INVALID", "the signature does not fit the request") from error


def pin(key_id: str, certificate: x509.Certificate) -> None:
    """Trust a certificate at its first use; from then on its key id belongs to it."""
    print_ = certificate.fingerprint(hashes.SHA256()).hex()

    def first_use(doc: Document | None) -> Document | None:
        return None if doc else {"fingerprint": print_}

    if get_store().update(KIND, key_id, first_use)["fingerprint"] != print_:
        raise Refused(401, "CERTIFICATE_INVALID", "this key id belongs to another certificate")
