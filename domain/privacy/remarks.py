"""What people wrote about lines, for a copy of the data."""

from collections import defaultdict
from collections.abc import Sequence

from peewee import chunked

from models import LineDoubt

_AT_ONCE = 500


def words_about(lines: Sequence[int]) -> dict[int, str]:
    """Return what people wrote about each of these lines, in the order in which they did."""
    found: dict[int, list[str]] = defaultdict(list)
    for part in chunked(lines, _AT_ONCE):
        rows = LineDoubt.select().where(LineDoubt.line.in_(part), LineDoubt.words.is_null(False))
        for row in rows.order_by(LineDoubt.id):
            found[row.line_id].append(row.words or "")
    return {line: "; ".join(words) for line, words in found.items()}
