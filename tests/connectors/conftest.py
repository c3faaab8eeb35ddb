"""Fixtures with a proxy between the adapter and the sandbox."""

from collections.abc import Iterator

import pytest

from tests.support.oidc_forger import OURS, Forger, publish
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, meddler


@pytest.fixture
def between(sandbox: Sandbox) -> Iterator[Meddler]:
    """A proxy that can change the sandbox's answers."""
    with meddler(sandbox.url) as meddling:
        yield meddling


@pytest.fixture
def forger(between: Meddler) -> Iterator[Forger]:
    """Id tokens of the broker, which a test can change; signed with a key that the broker seems to publish."""
    publish(between, OURS)
    made = Forger(between)
    made.claims()
    yield made
