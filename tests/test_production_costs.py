"""The tests hash and commit cheaply (tests/conftest.py); the product does not."""

import subprocess
import sys
from pathlib import Path

from argon2.profiles import RFC_9106_LOW_MEMORY

ROOT = Path(__file__).parents[1]


def said(code: str) -> list[str]:
    """Return the output of the product in a separate process without the tests' settings."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_product_hashes_with_the_parameters_of_rfc_9106():
    asked = (
        "from domain.accounts import passwords; print(repr(passwords.hasher._parameters)); print(passwords.DUMMY_HASH)"
    )
    parameters, nobody = said(asked)
    assert parameters == repr(RFC_9106_LOW_MEMORY)
    assert nobody.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_commit_survives_a_power_cut(tmp_path: Path):
    asked = f"import models; models.connect('sqlite:///{tmp_path}/a.db'); print(models.database.obj.synchronous)"
    assert said(asked) == ["2"], "not FULL"
