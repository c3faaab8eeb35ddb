"""A run of the benchmarks becomes a payment as in the product, so that `make bench` does not fall behind it."""

from bench import files, fixtures
from models import BatchLine
from tests.support.factories import Demo


def test_a_run_of_the_benchmarks_becomes_a_payment(demo: Demo):
    client = fixtures.make_client()
    fixtures.hand_out(files.payment_file(3))
    batch = fixtures.take_in(client, 1)
    assert batch is not None
    assert BatchLine.select().where(BatchLine.batch == batch.id).count() == 3
