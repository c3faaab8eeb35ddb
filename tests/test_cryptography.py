"""docs/cryptography.md names every file that uses cryptography, and no weak algorithm is used (ASVS 5.0, V11)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "cryptography.md").read_text()
PRODUCT = ("app.py", "worker.py", "blueprints", "commands", "config", "connectors", "core", "domain", "jobs", "models")
MODULES = {
    "hashlib", "hmac", "secrets", "ssl", "cryptography", "argon2", "joserfc", "authlib", "http_ece", "webauthn",
}  # fmt: skip
WEAK = re.compile(r"\b(md5|sha1|des3?|rc4|arc4|blowfish|ecb|tlsv1_1|sslv3|cert_none)\b", re.IGNORECASE)
# Sources of numbers that can be guessed.
PREDICTABLE = {"random", "uuid1", "uuid3"}


def files() -> list[Path]:
    found = [ROOT / name for name in PRODUCT]
    return sorted(path for one in found for path in ([one] if one.is_file() else one.rglob("*.py")))


def imported(text: str) -> set[str]:
    """Return the modules, and the names taken from them, that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {(node.module or "").split(".")[0], *(alias.name for alias in node.names)}
    return found


def uses_cryptography(text: str) -> bool:
    """Return whether a file imports one of the modules. One that names none of them is not parsed."""
    return any(name in text for name in MODULES) and bool(imported(text) & MODULES)


USERS = [str(path.relative_to(ROOT)) for path in files() if uses_cryptography(path.read_text())]


def test_uses_are_found():
    assert {"core/encryption.py", "connectors/bank/transport.py", "domain/accounts/passkeys.py"} <= set(USERS)
    assert len(USERS) > 20


@pytest.mark.parametrize("path", USERS)
def test_each_file_that_uses_cryptography_is_in_the_inventory(path: str):
    assert f"`{path}`" in DOCUMENT


def test_the_inventory_names_no_file_that_is_gone():
    assert [name for name in re.findall(r"`([\w/]+\.py)`", DOCUMENT) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("text", ["hashlib.md5(x)", "hashes.SHA1()", "modes.ECB()", "ssl.CERT_NONE"])
def test_a_weak_algorithm_is_found(text: str):
    assert WEAK.search(text)


def test_no_weak_algorithm_and_no_predictable_number_is_used():
    weak = [f"{path.relative_to(ROOT)}: {found[0]}" for path in files()
            for line in path.read_text().splitlines() if (found := WEAK.search(line.split("#")[0]))]  # fmt: skip
    predictable = [str(path.relative_to(ROOT)) for path in files() if imported(path.read_text()) & PREDICTABLE]
    assert (weak, predictable) == ([], [])


def test_every_secret_setting_has_its_purpose_and_its_renewal():
    named = re.findall(r"BIZCUIT_([A-Z_]+)", DOCUMENT.split("## What is used where")[0])
    assert {"DATA_KEYS", "LOOKUP_KEY", "PIN_PEPPER", "SESSION_KEY", "BACKUP_KEY", "PUSH_KEY", "BANK_KEY"} <= set(named)
