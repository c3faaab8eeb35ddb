"""Signed requests: matches the draft's own example, verified by openssl, with the right key."""

import base64
import hashlib
import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connectors.bank import http_signatures
from connectors.bank.http_signatures import Signer, development_identity, load

ROOT = Path(__file__).resolve().parents[2]
HEADERS = {
    "X-Request-ID": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721",
    "Date": "Mon, 23 Nov 2026 09:15:00 GMT",
    "TPP-Redirect-URI": "https://app.example/terug?a=b",
    "PSU-IP-Address": "192.0.2.1",
    "Accept": "application/json",
}
# The public key pair of the example in draft-cavage-http-signatures-12, appendix C; shorter than allowed today.
EXAMPLE_KEY = """-----BEGIN RSA PRIVATE KEY-----
MIICXgIBAAKBgQDCFENGw33yGihy92pDjZQhl0C36rPJj+CvfSC8+q28hxA161QF
NUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6Z4UMR7EOcpfdUE9Hf3m/hs+F
UR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJwoYi+1hqp1fIekaxsyQIDAQAB
AoGBAJR8ZkCUvx5kzv+utdl7T5MnordT1TvoXXJGXK7ZZ+UuvMNUCdN2QPc4sBiA
QWvLw1cSKt5DsKZ8UETpYPy8pPYnnDEz2dDYiaew9+xEpubyeW2oH4Zx71wqBtOK
kqwrXa/pzdpiucRRjk6vE6YY7EBBs/g7uanVpGibOVAEsqH1AkEA7DkjVH28WDUg
f1nqvfn2Kj6CT7nIcE3jGJsZZ7zlZmBmHFDONMLUrXR/Zm3pR5m0tCmBqa5RK95u
412jt1dPIwJBANJT3v8pnkth48bQo/fKel6uEYyboRtA5/uHuHkZ6FQF7OUkGogc
mSJluOdc5t6hI1VsLn0QZEjQZMEOWr+wKSMCQQCC4kXJEsHAve77oP6HtG/IiEn7
kpyUXRNvFsDE0czpJJBvL/aRFUJxuRK91jhjC68sA7NsKMGg5OXb5I5Jj36xAkEA
gIT7aFOYBFwGgQAQkWNKLvySgKbAZRTeLBacpHMuQdl1DfdntvAyqpAZ0lY0RKmW
G6aFKaqQfOXKCyWoUiVknQJAXrlgySFci/2ueKlIE1QqIiLSZ8V8OlpFLRnb1pzI
7U1yQXnTAEFYM560yJlzUpOb1V4cScGd365tiSMvxLOvTA==
-----END RSA PRIVATE KEY-----
"""
EXAMPLE_SIGNATURE = (
    "qdx+H7PHHDZgy4y/Ahn9Tny9V3GP6YgBPyUXMmoxWtLbHpUnXS2mg2+SbrQDMCJypxBLSPQR2aAjn7ndmw2iicw3HMbe8VfEdKFYRqzic+ef"
    "kb3nndiv/x1xSHDJWeSWkx3ButlYSuBskLu6kd9Fswtemr3lgdDEmn04swr2Os0="
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def signer(folder: Path) -> Signer:
    return development_identity(folder)


def fields(signature: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', signature))


def test_it_matches_the_example_of_the_draft(signer: Signer):
    key = serialization.load_pem_private_key(EXAMPLE_KEY.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    parts = [
        ("(request-target)", "post /foo?param=value&pet=dog"),
        ("host", "example.com"),
        ("date", "Sun, 05 Jan 2014 21:31:40 GMT"),
    ]
    assert replace(signer, key=key).signature(parts) == EXAMPLE_SIGNATURE


def test_openssl_verifies_the_signature(signer: Signer, tmp_path: Path):
    sent = signer.headers(HEADERS, b"<Document/>")
    text = (
        f"digest: {sent['Digest']}\nx-request-id: {HEADERS['X-Request-ID']}\n"
        f"tpp-redirect-uri: {HEADERS['TPP-Redirect-URI']}\ndate: {HEADERS['Date']}"
    )
    (tmp_path / "text").write_text(text)
    (tmp_path / "signature").write_bytes(base64.b64decode(fields(sent["Signature"])["signature"]))
    certificate = x509.load_der_x509_certificate(base64.b64decode(sent["TPP-Signature-Certificate"]))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = certificate.public_key().public_bytes(serialization.Encoding.PEM, public)
    (tmp_path / "public.pem").write_bytes(pem)
    command = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "text"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verified OK", done.stderr


def test_the_digest_is_of_the_body(signer: Signer):
    body = b"<Document/>"
    value = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert signer.headers(HEADERS, body)["Digest"] == f"SHA-256={value}"


def test_an_empty_body_has_a_digest(signer: Signer):
    assert signer.headers(HEADERS, b"")["Digest"] == "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    ("more", "covered"),
    [
        ({}, "digest x-request-id tpp-redirect-uri date"),
        ({"PSU-ID": "wouter"}, "digest x-request-id psu-id tpp-redirect-uri date"),
        (
            {"PSU-ID": "wouter", "PSU-Corporate-ID": "demo"},
            "digest x-request-id psu-id psu-corporate-id tpp-redirect-uri date",
        ),
    ],
)
def test_it_covers_the_identifying_headers(signer: Signer, more: dict[str, str], covered: str):
    signature = fields(signer.headers(HEADERS | more, b"")["Signature"])
    assert signature["headers"] == covered
    assert signature["algorithm"] == "rsa-sha256"


def test_an_absent_header_is_not_covered(signer: Signer):
    only = {name: HEADERS[name] for name in ("X-Request-ID", "Date")}
    assert fields(signer.headers(only, b"")["Signature"])["headers"] == "digest x-request-id date"


@pytest.mark.parametrize("name", ["X-Request-ID", "Date", "TPP-Redirect-URI"])
def test_another_value_gives_another_signature(signer: Signer, name: str):
    changed = HEADERS | {name: "x"}
    assert signer.headers(changed, b"")["Signature"] != signer.headers(HEADERS, b"")["Signature"]


def test_the_key_id_contains_the_certificate_serial(signer: Signer):
    match = re.fullmatch(r"SN=([0-9A-F]+),CA=(.+)", signer.key_id)
    assert match is not None
    assert int(match[1], 16) == signer.certificate.serial_number
    assert match[2] == "CN=Bizcuit%20development"


def test_a_configured_key_id_is_used(signer: Signer):
    assert fields(replace(signer, key_id="42").headers(HEADERS, b"")["Signature"])["keyId"] == "42"


def test_its_repr_shows_no_key(signer: Signer):
    assert "RSA" not in repr(signer)
    assert "Certificate" not in repr(signer)


# --- keys ---
def test_the_development_identity_is_created_once(folder: Path, signer: Signer):
    again = development_identity(folder)
    assert again.certificate == signer.certificate
    assert again.headers(HEADERS, b"x") == signer.headers(HEADERS, b"x")
    assert [path.name for path in folder.iterdir()] == ["bank-identity.pem"]
    assert stat.S_IMODE((folder / "bank-identity.pem").stat().st_mode) == 0o600


def test_concurrent_processes_share_one_identity(tmp_path: Path):
    code = (
        "import sys, pathlib; from connectors.bank.http_signatures import development_identity\n"
        "print(development_identity(pathlib.Path(sys.argv[1])).key_id)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new")]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1
    assert all(process.returncode == 0 for process in started)


def pem_of(signer: Signer) -> tuple[bytes, bytes]:
    key = signer.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key, signer.certificate.public_bytes(serialization.Encoding.PEM)


def test_it_loads_from_files(signer: Signer, tmp_path: Path):
    (tmp_path / "key.pem").write_bytes(pem_of(signer)[0])
    (tmp_path / "certificate.pem").write_bytes(pem_of(signer)[1])
    loaded = load(tmp_path / "key.pem", tmp_path / "certificate.pem")
    assert loaded.headers(HEADERS, b"x") == signer.headers(HEADERS, b"x")


def test_a_configuration_has_pem_texts_or_paths(signer: Signer, tmp_path: Path):
    key, certificate = (pem.decode() for pem in pem_of(signer))
    (tmp_path / "key.pem").write_text(key)
    by_text = http_signatures.signer_for("7", key, certificate)
    by_file = http_signatures.signer_for("7", str(tmp_path / "key.pem"), certificate)
    assert by_text.headers(HEADERS, b"") == by_file.headers(HEADERS, b"")
    assert by_text.key_id == "7"
    assert http_signatures.signer_for(None, key, certificate).key_id == signer.key_id


def test_wrong_keys_are_refused(signer: Signer, tmp_path: Path):
    certificate = pem_of(signer)[1].decode()
    other = pem_of(development_identity(tmp_path))[0].decode()
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    locked = signer.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    for wrong, reason in [
        (other, "does not belong"), (curve.decode(), "must be RSA"), (EXAMPLE_KEY, "2048"),
        (locked.decode(), "without a password"), (certificate, "no PEM"), (str(tmp_path / "none"), "cannot be read"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=reason):
            http_signatures.signer_for(None, wrong, certificate)
