"""Verify signed requests: Digest, Signature and TPP-Signature-Certificate (draft-cavage, as Berlin Group uses it).

The bank accepts any certificate that is valid today at its first use; from then on the keyId belongs to that
certificate. A real bank checks a qualified certificate (QSealC).
"""

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Request

from sandbox import faults
from sandbox.bank.answers import Refusal
from sandbox.store import get_store

PINNED = "bank_certificate"
DIGESTS = {"SHA-256": hashlib.sha256, "SHA-512": hashlib.sha512}
ALGORITHMS = {"rsa-sha256": hashes.SHA256(), "rsa-sha512": hashes.SHA512()}
# Headers that the signature must cover always, and those it must cover if sent.
COVERED_ALWAYS = ("digest", "x-request-id")
COVERED_WHEN_SENT = ("date", "psu-id", "psu-corporate-id", "tpp-redirect-uri")
MIN_KEY_BITS = 2048


def check(bank_id: str, request: Request) -> None:
    """Check the signature of a request.

    Raises:
    - Refusal
    """
    header = request.headers.get("Signature")
    if header is None and faults.on("bank_unsigned_allowed"):
        return
    if header is None:
        raise Refusal(401, "SIGNATURE_MISSING", "De aanroep is niet ondertekend")
    fields = signature_fields(header)
    check_digest(request)
    check_covered(fields["headers"].lower().split(), request)
    certificate = certificate_of(request)
    check_signature(fields, certificate, request)
    check_key_id(fields["keyId"], certificate)
    pin(bank_id, fields["keyId"], certificate)


def invalid(text: str) -> Refusal:
    return Refusal(401, "SIGNATURE_INVALID", text)


def signature_fields(header: str) -> dict[str, str]:
    fields = dict(re.findall(r'(\w+)="([^"]*)"', header.removeprefix("Signature ")))
    if missing := {"keyId", "algorithm", "headers", "signature"} - fields.keys():
        raise invalid(f"In Signature ontbreekt {', '.join(sorted(missing))}")
    return fields


def check_digest(request: Request) -> None:
    name, _, given = request.headers.get("Digest", "").partition("=")
    if name.upper() not in DIGESTS:
        raise invalid("Digest ontbreekt of is geen SHA-256 of SHA-512")
    body = request.get_data(cache=True)
    if given != base64.b64encode(DIGESTS[name.upper()](body).digest()).decode():
        raise invalid("Digest past niet bij de inhoud")


def check_covered(covered: list[str], request: Request) -> None:
    needed = [*COVERED_ALWAYS, *(name for name in COVERED_WHEN_SENT if name in request.headers)]
    if missing := [name for name in needed if name not in covered]:
        raise invalid(f"De handtekening gaat niet over {', '.join(missing)}")
    if absent := [name for name in covered if name not in request.headers and name != "(request-target)"]:
        raise invalid(f"De handtekening gaat over {', '.join(absent)}, maar dat is niet meegestuurd")


def certificate_of(request: Request) -> x509.Certificate:
    text = request.headers.get("TPP-Signature-Certificate")
    if not text:
        raise Refusal(401, "CERTIFICATE_MISSING", "TPP-Signature-Certificate ontbreekt")
    text = re.sub(r"-----(BEGIN|END) CERTIFICATE-----|\s", "", text)
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refusal(401, "CERTIFICATE_INVALID", "TPP-Signature-Certificate is niet te lezen") from error
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refusal(401, "CERTIFICATE_EXPIRED", "Het certificaat is vandaag niet geldig")
    return certificate


def check_signature(fields: dict[str, str], certificate: x509.Certificate, request: Request) -> None:
    algorithm, key = ALGORITHMS.get(fields["algorithm"].lower()), certificate.public_key()
    if algorithm is None or not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise invalid(f"Algoritme {fields['algorithm']} met deze sleutel wordt niet aangenomen")
    try:
        signature = base64.b64decode(fields["signature"], validate=True)
        key.verify(signature, signing_string(fields["headers"], request), padding.PKCS1v15(), algorithm)
    except (binascii.Error, InvalidSignature) as error:
        raise invalid("De handtekening klopt niet") from error


def signing_string(names: str, request: Request) -> bytes:
    """Return the signing string: one header a line, in the order of the signature."""
    lines = []
    for name in names.lower().split():
        if name == "(request-target)":
            target = request.full_path if request.query_string else request.path
            lines.append(f"{name}: {request.method.lower()} {target}")
        else:
            lines.append(f"{name}: {request.headers[name].strip()}")
    return "\n".join(lines).encode()


def check_key_id(key_id: str, certificate: x509.Certificate) -> None:
    """Check that SN=…,CA=… contains the certificate's serial number (hexadecimal or decimal)."""
    if found := re.match(r"SN=([0-9A-Fa-f]+)\s*,", key_id):
        serial = certificate.serial_number
        if found[1].lower().lstrip("0") not in (f"{serial:x}", str(serial)):
            raise Refusal(401, "CERTIFICATE_INVALID", "De keyId noemt een ander certificaat")


def pin(bank_id: str, key_id: str, certificate: x509.Certificate) -> None:
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    name = f"{bank_id}:{key_id}"
    known = get_store().update(PINNED, name, lambda doc: None if doc else {"fingerprint": fingerprint})
    if known["fingerprint"] != fingerprint:
        text = "Onder deze keyId is een ander certificaat bekend; POST /control/reset vergeet het"
        raise Refusal(401, "CERTIFICATE_INVALID", text)
