"""Every required package has a licence compatible with Apache-2.0 (docs/dependencies.md)."""

import importlib.metadata
import re
from pathlib import Path

import pytest

from tools.supply_chain import LICENCE_FILES

ROOT = Path(__file__).parent.parent
NAMES = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


def licence_of(name: str) -> str:
    """Return all licence metadata of a package; empty if this platform does not need it."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed here"
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License")]
    named = [line for key in ("License-Expression", "License") for line in metadata.get_all(key) or []]
    return " ".join([*named, *classifiers]).strip()


@pytest.mark.parametrize("name", NAMES)
def test_no_package_has_a_strong_copyleft_licence(name: str):
    text = re.sub(r"LGPL|Lesser General Public License|\(L?GPLv\d\+?\)", "", licence_of(name))
    assert not re.search(r"\bA?GPL|General Public License", text)


@pytest.mark.parametrize("name", NAMES)
def test_each_package_has_a_licence(name: str):
    assert name in LICENCE_FILES or licence_of(name)


def test_the_documented_lists_are_current():
    document = (ROOT / "docs" / "dependencies.md").read_text("utf-8").partition("## Licences")[2]
    weak = {name for name in NAMES if re.search(r"\bLGPL|\bLesser|\bMPL\b|Mozilla", licence_of(name))}
    assert [name for name in weak if name.removesuffix("-binary") not in document] == []
