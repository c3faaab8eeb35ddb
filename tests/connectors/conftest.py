"""One sandbox for the whole session, as at the start for each test."""

from collections.abc import Iterator

import pytest

from tests.support.meddler import Meddler, meddler
from tests.support.sandbox import Sandbox, sandbox_process


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_process(tmp_path_factory.mktemp("sandbox") / "home") as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def between(sandbox: Sandbox) -> Iterator[Meddler]:
    """Somebody who can change the sandbox's answers."""
    with meddler(sandbox.url) as meddling:
        yield meddling
