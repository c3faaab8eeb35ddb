"""Fixtures with a proxy between the adapter and the sandbox."""

from collections.abc import Iterator

import pytest

from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, meddler


@pytest.fixture
def between(sandbox: Sandbox) -> Iterator[Meddler]:
    """A proxy that can change the sandbox's answers."""
    with meddler(sandbox.url) as meddling:
        yield meddling
