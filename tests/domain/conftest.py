"""Services on an empty database, with a sandbox in its initial state."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.bank.directory import HttpDirectory
from domain.common.services import Services, configure, services
from tests.support.ciphertexts import check_ciphertexts
from tests.support.factories import Demo, make_demo, make_world
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, meddler


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


@pytest.fixture
def between(world: object, sandbox: Sandbox) -> Iterator[Meddler]:
    """Every call to the bank passes here."""
    with meddler(sandbox.url) as found:
        configure(replace(services(), banks=HttpDirectory(f"{found.url}/banks", ttl_seconds=0)))
        yield found
