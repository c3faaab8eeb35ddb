"""Services on an empty database, with a sandbox in its initial state."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.common.services import Services
from tests.support.ciphertexts import check_ciphertexts
from tests.support.factories import Demo, make_demo, make_world
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def world(database: str, sandbox: Sandbox, keys: Path) -> Services:
    return make_world(sandbox.url, sandbox.smtp_port, keys)


@pytest.fixture
def demo(world: Services, sandbox: Sandbox) -> Iterator[Demo]:
    """A client that has finished setup. At the end, every ciphertext is where the rotation of keys finds it."""
    yield make_demo(sandbox)
    check_ciphertexts()
