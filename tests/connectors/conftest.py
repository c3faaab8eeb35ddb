"""Somebody between us and the sandbox."""

from collections.abc import Iterator

import pytest

from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, meddler


@pytest.fixture
def between(sandbox: Sandbox) -> Iterator[Meddler]:
    """Somebody who can change the sandbox's answers."""
    with meddler(sandbox.url) as meddling:
        yield meddling
