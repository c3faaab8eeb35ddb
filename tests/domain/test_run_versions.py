"""A version of a run is its lines, in whatever order they stand."""

from hypothesis import given
from hypothesis import strategies as st

from domain.payroll.run_versions import PayableLine, version_hash


def wanted(iban: str, cents: int, name: str = "A", text: str = "Salaris") -> PayableLine:
    return PayableLine(name, name, text, text, iban, cents)


LINES = st.lists(st.builds(wanted, st.sampled_from("XYZ"), st.integers(1, 5), st.sampled_from("AB")), max_size=6)


@given(LINES)
def test_the_order_of_the_lines_makes_no_other_version(lines: list[PayableLine]):
    assert version_hash(lines) == version_hash(lines[::-1])
    assert (version_hash([*lines, wanted("X", 9)]) == version_hash(lines)) is False
