"""Signed requests: Digest, and Signature in the older cavage form that Berlin Group 1.3 prescribes."""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

# What is signed when it is there, in this order (implementation guidelines 1.3, section 12).
_SIGNED = ("Digest", "X-Request-ID", "PSU-ID", "PSU-Corporate-ID", "Date", "TPP-Redirect-URI")


@dataclass(frozen=True)
class Signer:
    """Who we are to a bank: a key and the certificate that names it."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def key_id(self) -> str:
        issuer = self.certificate.issuer.rfc4514_string()
        return f"SN={self.certificate.serial_number:x},CA={issuer}"

    def headers(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers that sign this request: Digest, Signature and the certificate."""
        digest = f"SHA-256={b64encode(sha256(body).digest()).decode()}"
        known = {**headers, "Digest": digest}
        names = [name for name in _SIGNED if name in known]
        text = "\n".join(f"{name.lower()}: {known[name]}" for name in names)
        signature = b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        listed = " ".join(name.lower() for name in names)
        return {
            "Digest": digest,
            "Signature": f'keyId="{self.key_id}",algorithm="rsa-sha256",headers="{listed}",signature="{signature}"',
            "TPP-Signature-Certificate": b64encode(
                self.certificate.public_bytes(serialization.Encoding.DER)
            ).decode(),
        }


def load(key_file: Path, certificate_file: Path) -> Signer:
    """From PEM files. ValueError when the key is not RSA or they do not belong together."""
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("the bank key must be RSA and belong to its certificate")
    return Signer(key, certificate)


def development_identity(folder: Path) -> Signer:
    """A key and a certificate signed by itself, made once in this folder: for the sandbox only."""
    key_file, certificate_file = folder / "bank-key.pem", folder / "bank-certificate.pem"
    if not certificate_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        _write(key_file, key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ))  # fmt: skip
        _write(certificate_file, _self_signed(key).public_bytes(serialization.Encoding.PEM))
    return load(key_file, certificate_file)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable by us alone: two processes may start at once."""
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_bytes(data)
    temporary.replace(path)


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bizcuit development")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    return builder.not_valid_after(now + timedelta(days=3650)).sign(key, hashes.SHA256())
