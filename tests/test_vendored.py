"""Vendored files are unchanged, and requirement pins hold everywhere."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VENDOR = ROOT / "static" / "vendor"
PINNED = ("requirements.txt", "requirements-dev.txt", "tools/uv.txt")
HTMX = "htmx-2.0.11.min.js"


def listed() -> dict[str, str]:
    """The SHA-256 of each vendored file when it was added."""
    rows = (line.split(maxsplit=1) for line in (VENDOR / "SHA256SUMS").read_text().splitlines() if line.strip())
    return {name.lstrip("*"): digest for digest, name in rows}


def test_every_vendored_file_is_unchanged():
    files = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in files} == listed()


def test_htmx_is_the_chosen_release():
    assert listed()[HTMX].startswith("d6fdc75f204e6bde")
    assert b'version:"2.0.11"' in (VENDOR / HTMX).read_bytes()


def test_pages_load_nothing_from_other_hosts():
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    assert HTMX in pages
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?:https?:)?//[^\"']*", pages) == []


@pytest.mark.parametrize("name", PINNED)
def test_every_requirement_is_pinned_with_hashes(name: str):
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    assert len(entries) >= 1
    loose = [entry.split("\n")[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert loose == []


@pytest.mark.parametrize("name", PINNED)
def test_no_requirement_names_a_registry(name: str):
    text = (ROOT / name).read_text()
    assert [mark for mark in ("://", "--index-url", "--find-links", "--trusted-host") if mark in text] == []


def test_every_direct_requirement_is_pinned():
    for asked, pinned in (("requirements.in", PINNED[0]), ("requirements-dev.in", PINNED[1])):
        names = re.findall(r"^([A-Za-z][A-Za-z0-9-]*)", (ROOT / asked).read_text(), flags=re.MULTILINE)
        have = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / pinned).read_text(), flags=re.MULTILINE))
        assert {name.lower() for name in names} - have == set()


def test_every_dependency_has_a_documented_reason():
    reasons = (ROOT / "docs" / "dependencies.md").read_text().lower()
    for asked in ("requirements.in", "requirements-dev.in"):
        for name in re.findall(r"^([A-Za-z][A-Za-z0-9-]*)", (ROOT / asked).read_text(), flags=re.MULTILINE):
            assert f"`{name.lower()}`" in reasons, f"{name} has no line in docs/dependencies.md"
