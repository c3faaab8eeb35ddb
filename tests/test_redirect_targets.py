"""Redirects lead to local paths only."""

import pytest

from blueprints.web.urls import safe_local_path


@pytest.mark.parametrize("address", ["/betalingen/20201113034734-66580", "/x/saldo?a=1", "/"])
def test_local_paths_are_accepted(address: str):
    assert safe_local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None, "", "saldo", "https://elders.nl/", "//elders.nl/", "/\\elders.nl", "\\\\elders.nl", "/a\nb",
        "/\t/elders.nl", "javascript:alert(1)", "/" + "a" * 600,
    ],
)  # fmt: skip
def test_everything_else_is_refused(address: str | None):
    assert safe_local_path(address) is None
