"""A page sends nobody elsewhere: only paths of ours are gone on to."""

import pytest

from blueprints.web.urls import own_path


@pytest.mark.parametrize("address", ["/betalingen/20201113034734-66580", "/x/saldo?a=1", "/"])
def test_it_goes_on_to_own_paths(address: str):
    assert own_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None, "", "saldo", "https://elders.nl/", "//elders.nl/", "/\\elders.nl", "\\\\elders.nl", "/a\nb",
        "/\t/elders.nl", "javascript:alert(1)", "/" + "a" * 600,
    ],
)  # fmt: skip
def test_it_refuses_everything_else(address: str | None):
    assert own_path(address) is None
