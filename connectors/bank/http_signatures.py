"""Sign requests with Digest and Signature headers, in the cavage form that Berlin Group 1.3 prescribes.

Sources: draft-cavage-http-signatures-10; signed headers and keyId from the NextGenPSD2 implementation guidelines 1.3,
section 12: keyId="SN=<serial, hexadecimal>,CA=<distinguished name of the issuer>".
"""

import os
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from core.private_files import make_private_folder, private_opener

# The headers to sign, if present, in this order.
SIGNED = ("Digest", "X-Request-ID", "PSU-ID", "PSU-Corporate-ID", "TPP-Redirect-URI", "Date")
SHORTEST_KEY = 2048


@dataclass(frozen=True)
class Signer:
    """Our signing key, its certificate and the keyId under which the bank knows it."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    key_id: str = ""

    def __post_init__(self) -> None:
        if not self.key_id:
            issuer = quote(self.certificate.issuer.rfc4514_string(), safe="=,")
            object.__setattr__(self, "key_id", f"SN={self.certificate.serial_number:X},CA={issuer}")

    def headers(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Return the headers that sign this request: Digest (also of an empty body), Signature and the certificate."""
        digest = f"SHA-256={b64encode(sha256(body).digest()).decode()}"
        known = {**headers, "Digest": digest}
        names = [name for name in SIGNED if name in known]
        signature = self.signature((name, known[name]) for name in names)
        listed = " ".join(names).lower()
        return {
            "Digest": digest,
            "Signature": f'keyId="{self.key_id}",algorithm="rsa-sha256",headers="{listed}",signature="{signature}"',
            "TPP-Signature-Certificate": b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode(),
        }

    def signature(self, parts: Iterable[tuple[str, str]]) -> str:
        """Return the base64 RSA-SHA256 signature over these headers, one a line, in this order (cavage, section 2.3).
        """
        text = "\n".join(f"{name.lower()}: {value.strip()}" for name, value in parts)
        return b64encode(self.key.sign(text.encode("latin-1"), padding.PKCS1v15(), hashes.SHA256())).decode()


def load(key_file: Path, certificate_file: Path) -> Signer:
    """Load a signer from PEM files.

    Raises:
    - ValueError: the key is not RSA, too short, or does not match the certificate.
    """
    return _signer(key_file.read_bytes(), certificate_file.read_bytes(), "")


@lru_cache(maxsize=32)
def signer_for(key_id: str | None, private_key: str, certificate: str) -> Signer:
    """Return the signer that a bank's configuration names: PEM texts or paths of PEM files.

    Raises:
    - ValueError: as `load`.
    """
    return _signer(_pem(private_key), _pem(certificate), key_id or "")


def _pem(text_or_path: str) -> bytes:
    if "-----BEGIN" in text_or_path:
        return text_or_path.encode()
    try:
        return Path(text_or_path).read_bytes()
    except OSError as error:
        raise ValueError(f"a bank key's file cannot be read: {error.strerror}") from error


@lru_cache(maxsize=32)
def _signer(key_pem: bytes, certificate_pem: bytes, key_id: str) -> Signer:
    try:
        key = serialization.load_pem_private_key(key_pem, None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except (ValueError, TypeError) as error:
        raise ValueError("the bank key or its certificate is no PEM without a password") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < SHORTEST_KEY:
        raise ValueError(f"the bank key must be RSA of at least {SHORTEST_KEY} bits")
    if key.public_key() != certificate.public_key():
        raise ValueError("the bank key does not belong to its certificate")
    return Signer(key, certificate, key_id)


def development_identity(folder: Path) -> Signer:
    """Return a signer with a self-signed certificate, made once in this folder; for the sandbox only.

    Key and certificate share one file, so that two processes that start at once use the same pair.
    """
    path = folder / "bank-identity.pem"
    if not path.exists():
        make_private_folder(folder)
        _write_once(path, _new_identity())
    pem = path.read_bytes()
    return _signer(pem, pem, "")


def _write_once(path: Path, data: bytes) -> None:
    """Write a file atomically, readable by the owner only; an existing file stays."""
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        with open(temporary, "wb", opener=private_opener) as file:
            file.write(data)
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink(missing_ok=True)


def _new_identity() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=SHORTEST_KEY)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bizcuit development")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    certificate = builder.not_valid_after(now + timedelta(days=3650)).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
