"""The bill of materials is whole, and an audit never takes silence for safety."""

import importlib.metadata
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tools import supply_chain
from tools.supply_chain import audit, bill_of_materials, normalised, pinned_names


@pytest.fixture(scope="module")
def bom() -> dict:
    return bill_of_materials()


def test_it_names_every_package_that_the_program_installs_here(bom: dict):
    installed = {normalised(one.name) for one in importlib.metadata.distributions()}
    of_python = {normalised(one["name"]) for one in bom["components"] if one["purl"].startswith("pkg:pypi/")}
    assert of_python == pinned_names() & installed
    assert {"flask", "zeep", "peewee", "rq"} <= of_python
    assert of_python.isdisjoint({"hypothesis", "djlint", "ruff"})


def test_each_component_has_version_and_licence(bom: dict):
    assert [one["name"] for one in bom["components"] if not (one["version"] and one.get("licenses"))] == []


def test_the_bill_of_materials_lists_every_vendored_script(bom: dict):
    files = {path.name for path in supply_chain.VENDOR.iterdir()} - {"SHA256SUMS"}
    sums = (supply_chain.VENDOR / "SHA256SUMS").read_text()
    told = {one["bom-ref"].removeprefix("vendor/"): one for one in bom["components"] if one["name"] == "htmx.org"}
    assert told.keys() == {name for name in files if name.endswith(".js")}
    assert all(one["hashes"][0]["content"] in sums for one in told.values())


def test_it_is_the_same_each_time(bom: dict):
    assert bill_of_materials() == bom


@pytest.mark.thorough
def test_it_follows_the_schema(bom: dict):
    from cyclonedx.schema import SchemaVersion  # slow to import, and every test worker imports this module
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None


# --- the audit, against a list on loopback that speaks OSV's protocol -------------------------------
class WeaknessList(BaseHTTPRequestHandler):
    """Knows one weakness, of flask."""

    broken = False

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        weak = {"id": "OSV-2026-1", "aliases": [], "summary": "x", "details": "x", "affected": [
            {"package": {"name": "flask", "ecosystem": "PyPI"}, "ranges": [], "versions": [asked["version"]]}
        ]}  # fmt: skip
        body = json.dumps({"vulns": [weak]} if asked["package"]["name"] == "flask" else {}).encode()
        self.send_response(503 if self.broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def listing() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), WeaknessList) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        server.shutdown()


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    file = tmp_path / "pins.txt"
    file.write_text("flask==3.1.0\nzeep==4.3.0\n")
    return file


def test_a_known_weakness_fails_the_audit(pins: Path, listing: str):
    found = audit(pins, "osv", listing)
    assert (found.code, found.looked_up, found.weak) == (1, 2, {"flask 3.1.0": ["OSV-2026-1"]})


def test_nothing_known_passes(pins: Path, listing: str):
    pins.write_text("zeep==4.3.0\n")
    found = audit(pins, "osv", listing)
    assert (found.code, found.looked_up, str(found)) == (0, 1, "1 packages looked up, 0 with a known weakness")


@pytest.mark.parametrize("broken", ["answers 503", "is not there"])
def test_a_list_that_cannot_be_asked_is_said(
    pins: Path, listing: str, broken: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(WeaknessList, "broken", True)
    found = audit(pins, "osv", listing if broken == "answers 503" else "http://127.0.0.1:9/v1/query")
    assert (found.code, found.looked_up) == (3, 0)
    assert "NOT LOOKED UP: all" in str(found)
