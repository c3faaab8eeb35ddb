"""A page sends nobody elsewhere: only paths of ours are gone on to."""

import pytest

from blueprints.web.urls import safe_local_path


@pytest.mark.parametrize("address", ["/betalingen/20201113034734-66580", "/x/saldo?a=1", "/"])
def test_it_goes_on_to_own_paths(address: str):
    assert safe_local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None, "", "saldo", "https://elders.nl/", "//elders.nl/", "/\\elders.nl", "\\\\elders.nl", "/a\nb",
        "/\t/elders.nl", "javascript:alert(1)", "/" + "a" * 600,
    ],
)  # fmt: skip
def test_it_refuses_everything_else(address: str | None):
    assert safe_local_path(address) is None
