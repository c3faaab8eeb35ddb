"""The books after a test: right, unless the test itself changed rows behind the program's back."""

import pytest

from domain.operations import integrity


def require_right_books(request: pytest.FixtureRequest) -> None:
    """Fail when check-books would find a fault, but for tests that are marked `planted`."""
    if not request.node.get_closest_marker("planted"):
        assert list(integrity.find_inconsistencies()) == []
