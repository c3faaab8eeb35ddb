"""What the program is made of, and whether a weakness of it is known: `make sbom` and `make audit`.

The bill of materials is CycloneDX 1.6: every package of requirements.txt that this platform installs, with version and
licence, and what is vendored in static/vendor. The audit compares the pinned versions with a public list of weaknesses
(PyPI's, or another one with `--list osv --address URL`). A package that could not be looked up is named: silence never
counts as safe.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.version import VERSION

ROOT = Path(__file__).parent.parent
PINS = ROOT / "requirements.txt"
VENDOR = ROOT / "static" / "vendor"
BOM = ROOT / "sbom.cdx.json"
# Packages whose metadata names no licence, with the licence of the file that they bring.
LICENCE_FILES = {"peewee": "MIT"}
_HTMX = re.compile(r"(?P<name>htmx)-(?P<version>[0-9.]+)\.min\.js")
_SAFE, _WEAK, _NOT_LOOKED = 0, 1, 3  # exit codes of the audit


def pinned_names() -> set[str]:
    """Return the names in requirements.txt, in lower case with hyphens."""
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", PINS.read_text("utf-8"), re.MULTILINE))


# --- bill of materials ----------------------------------------------------------------------------
def bill_of_materials() -> dict[str, Any]:
    """Return the bill of materials of the program as a CycloneDX document, without what only tests need."""
    command = [
        sys.executable, "-m", "cyclonedx_py", "environment", sys.executable,
        "--output-reproducible", "--no-validate", "--sv", "1.6",
    ]  # fmt: skip
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    bom, names = json.loads(made.stdout), pinned_names()
    components = [one for one in bom["components"] if normalised(one["name"]) in names]
    kept = {one["bom-ref"] for one in components}
    for one in components:
        if known := LICENCE_FILES.get(one["name"]):
            one["licenses"] = [{"license": {"id": known}}]
    bom["metadata"]["component"] = {
        "type": "application", "bom-ref": "bizcuit", "name": "bizcuit", "version": VERSION,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }  # fmt: skip
    bom["components"] = [*components, *vendored()]
    bom["dependencies"] = [_depends("bizcuit", sorted(one["bom-ref"] for one in bom["components"]))] + [
        _depends(one["ref"], [ref for ref in one.get("dependsOn", ()) if ref in kept])
        for one in bom["dependencies"] if one["ref"] in kept
    ]  # fmt: skip
    return bom


def _depends(ref: str, on: list[str]) -> dict[str, Any]:
    return {"ref": ref, "dependsOn": on}


def vendored() -> list[dict[str, Any]]:
    """Return the components that are copied into static/vendor, with the hash of their file."""
    found = []
    for path in sorted(VENDOR.iterdir()):
        if known := _HTMX.fullmatch(path.name):
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            found.append({
                "type": "library", "bom-ref": f"vendor/{path.name}", "name": "htmx.org", "version": known["version"],
                "purl": f"pkg:npm/htmx.org@{known['version']}", "licenses": [{"license": {"id": "0BSD"}}],
                "hashes": [{"alg": "SHA-256", "content": sha256}],
            })  # fmt: skip
    return found


def normalised(name: str) -> str:
    """Return the name of a package as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


# --- known weaknesses -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Audit:
    """What a list of weaknesses said about the pinned packages. `weak`: name and version, and the ids."""

    looked_up: int
    weak: dict[str, list[str]]
    not_looked_up: list[str]
    problem: str = ""

    @property
    def code(self) -> int:
        """Return the exit code: 1 with a known weakness, 3 if anything was not looked up, else 0."""
        if self.weak:
            return _WEAK
        return _NOT_LOOKED if self.not_looked_up or self.problem or not self.looked_up else _SAFE

    def __str__(self) -> str:
        lines = [f"{package}: {', '.join(ids)}" for package, ids in sorted(self.weak.items())]
        lines.append(f"{self.looked_up} packages looked up, {len(self.weak)} with a known weakness")
        if self.code == _NOT_LOOKED or self.not_looked_up:
            named = ", ".join(self.not_looked_up[:5]) or self.problem or "no list was reached"
            lines.append(f"NOT LOOKED UP: {len(self.not_looked_up) or 'all'} ({named}). This says nothing about them.")
        return "\n".join(lines)


def audit(pins: Path = PINS, listing: str = "pypi", address: str | None = None) -> Audit:
    """Look up every pinned package in a public list of weaknesses."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off", "--vulnerability-service", listing, "--timeout", "20",
    ]  # fmt: skip
    done = subprocess.run(
        [*command, *(["--osv-url", address] if address else [])], cwd=ROOT, capture_output=True, text=True
    )
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or ["no answer"]
        return Audit(0, {}, [], last[0][:200])
    skipped = [row["name"] for row in rows if "skip_reason" in row]
    weak = {f"{row['name']} {row['version']}": [one["id"] for one in row["vulns"]] for row in rows if row.get("vulns")}
    return Audit(len(rows) - len(skipped), weak, skipped)


def main(arguments: list[str]) -> int:
    """Write the bill of materials, or print the audit; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("sbom", "audit"))
    parser.add_argument("--list", default="pypi", choices=("pypi", "osv"))
    parser.add_argument("--address", help="of a list that speaks OSV's protocol")
    asked = parser.parse_args(arguments)
    if asked.what == "sbom":
        bom = bill_of_materials()
        BOM.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n", "utf-8")
        print(f"{BOM.name}: {len(bom['components'])} components")
        return 0
    found = audit(listing=asked.list, address=asked.address)
    print(found)
    return found.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
