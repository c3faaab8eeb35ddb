"""The tests hash at the lowest cost (conftest); the product hashes at the cost of the standard."""

import subprocess
import sys
from pathlib import Path

from argon2.profiles import RFC_9106_LOW_MEMORY

ROOT = Path(__file__).parents[1]
SHOWN = "from domain.accounts import passwords; print(repr(passwords.hasher._parameters)); print(passwords.NOBODY)"


def test_the_product_hashes_at_the_cost_of_rfc_9106():
    shown = subprocess.run([sys.executable, "-c", SHOWN], cwd=ROOT, capture_output=True, text=True, check=True)
    parameters, nobody = shown.stdout.splitlines()
    assert parameters == repr(RFC_9106_LOW_MEMORY)
    assert nobody.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
