"""A prepared query reads what its function would read for the same arguments, and its SQL is written once."""

from datetime import timedelta

import pytest

from core.clock import utcnow
from models import Batch, BatchLine, Client, User
from models.prepared import Prepared
from tests.support import prepared_guard
from tests.support.factories import Demo
from tests.support.large_batches import many


@Prepared
def lines_of(batch, least):
    return BatchLine.select().where(BatchLine.batch == batch, BatchLine.amount_cents >= least).order_by(BatchLine.id)


def test_it_reads_the_rows_of_its_arguments(demo: Demo):
    first, second = demo.batch(many(3)), demo.batch(many(2), 2)
    assert [one.amount_cents for one in lines_of(first.id, 150_002)] == [150_002, 150_003]
    assert [one.amount_cents for one in lines_of(second.id, 150_002)] == [150_002]
    assert lines_of(first.id, 1_000_000) == []


def test_joined_rows_and_columns_have_their_types(demo: Demo):
    batch = demo.batch(many(1))
    query = Prepared(lambda client, day: Batch.select(Batch, Client).join(Client).where(
        Batch.client == client, Batch.created_at <= day
    ))  # fmt: skip
    (row,) = query(demo.client, utcnow())
    assert (row.id, row.client.name, row.created_at) == (batch.id, demo.client.name, batch.created_at)
    assert query(demo.client, batch.created_at - timedelta(days=1)) == []


def test_its_sql_is_written_once(demo: Demo):
    made = list[int]()

    def users(least: object) -> object:
        made.append(1)
        return User.select().where(User.id >= least)

    query = Prepared(users)
    with prepared_guard.unwatched():
        assert [len(query(least)) for least in (0, demo.user.id, 1_000_000)] == [len(query(0)), 1, 0]
    assert len(made) == 1


def test_nothing_is_compared_with_none(demo: Demo):
    with pytest.raises(TypeError, match="lines_of: None"):
        lines_of(None, 1)


def test_the_guard_of_the_tests_finds_what_is_not_an_argument(demo: Demo):
    query = Prepared(lambda client: Batch.select().where(Batch.client == client, Batch.created_at < utcnow()))
    with pytest.raises(AssertionError, match="what it is not given"):
        query(demo.client.id)
    assert lines_of(demo.batch(many(1)).id, 0)
