"""A proxy between the adapter and the sandbox, and Nmbrs over SOAP at the sandbox."""

from collections.abc import Iterator

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.soap import SoapPayroll
from tests.support.nmbrs_soap import payroll_at
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


@pytest.fixture
def payroll(sandbox: Sandbox) -> SoapPayroll:
    """The SOAP adapter at the sandbox."""
    return payroll_at(sandbox.url)


@pytest.fixture
def keys(sandbox: Sandbox) -> port.Credentials:
    """Credentials of the sandbox's Nmbrs user."""
    given = sandbox.credentials
    return port.Credentials(given["nmbrs_user"], given["nmbrs_token"], "demo")
