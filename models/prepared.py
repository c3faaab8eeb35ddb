"""Queries whose SQL is written once in a process. Peewee writes the SQL of a query with many subqueries in 5 to 45 ms,
several times what the database takes to run it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from peewee import ColumnBase

from models.base import FetchAllSelect, database

Statement = tuple[str, list[Any]]


class Argument(ColumnBase):
    """Stands in a prepared query for one argument of its function."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(_Slot(self.number, ctx.state.converter), converter=False)


class _Slot:
    """The place of an argument among the values of a statement. `converter`: of the column that it is compared with."""

    def __init__(self, number: int, converter: Callable[[Any], Any] | None) -> None:
        self.number, self.converter = number, converter

    def filled(self, given: Sequence[Any]) -> Any:
        value = given[self.number]
        return self.converter(value) if self.converter else value


class Prepared:
    """A function that makes a query, as one that runs it: it returns the rows for its arguments.

    The function is called once, with an `Argument` for each of its arguments; what else it reads (the time, a setting)
    would stay as it was then, so it reads nothing. No argument may be None, which SQL does not compare.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._written: dict[type, tuple[FetchAllSelect, Statement]] = {}
        self.__doc__ = make.__doc__

    def __repr__(self) -> str:
        return f"{self._make.__module__}.{self._make.__qualname__}"

    def __call__(self, *given: Any) -> list[Any]:
        if any(one is None for one in given):
            raise TypeError(f"{self!r}: None cannot be compared")
        query, _ = self._written_for(len(given))
        return list(query.with_statement(*self.statement(*given)))

    def statement(self, /, *given: Any) -> Statement:
        """Return the statement that was written once, with these arguments."""
        _, (text, values) = self._written_for(len(given))
        return text, [one.filled(given) if isinstance(one, _Slot) else one for one in values]

    def write(self, *given: Any) -> Statement:
        """Return what Peewee writes for these arguments now."""
        text, values = database.obj.get_sql_context().sql(self._make(*given)).query()
        return text, values

    def _written_for(self, count: int) -> tuple[FetchAllSelect, Statement]:
        """Return the query and its statement in the language of the database."""
        dialect = type(database.obj)
        if dialect not in self._written:
            arguments = [Argument(number) for number in range(count)]
            query = self._make(*arguments)
            self._written[dialect] = query, database.obj.get_sql_context().sql(query).query()
        return self._written[dialect]
