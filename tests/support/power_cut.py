"""A power cut in this process, between any two writes: what was not committed is gone, and nothing is written after."""

from collections.abc import Iterator
from contextlib import contextmanager

import models


class PowerCut(BaseException):
    """The process is dead from here on: no handler of the program may catch it."""


class Passed:
    """How many writes and commits there were."""

    places = 0


@contextmanager
def power_cut_at(place: int) -> Iterator[Passed]:
    """Cut the power before the write, or after the commit, with this number; 0: never.

    As long as the block lasts nothing more is written or committed. Leases stay as they were.
    """
    real, passed = models.database.obj, Passed()
    execute, commit = real.execute_sql, real.commit

    def reached() -> None:
        passed.places += 1
        if 0 < place <= passed.places:
            raise PowerCut

    def execute_sql(sql: str, *given: object, **named: object) -> object:
        if not sql.lstrip().upper().startswith("SELECT"):
            reached()
        return execute(sql, *given, **named)

    def committed() -> None:
        if 0 < place <= passed.places:
            real.rollback()
            raise PowerCut
        commit()
        reached()

    real.execute_sql, real.commit = execute_sql, committed
    try:
        yield passed
    except PowerCut:
        pass
    finally:
        del real.execute_sql, real.commit
