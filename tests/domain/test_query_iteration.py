"""A loop over rows may write, also while another connection writes."""

from threading import Thread
from typing import Any, cast

from peewee import ModelSelect

from models import TABLES, Batch, BatchLine, PayrollRun, User, database
from tests.support.factories import make_user


def written_elsewhere(user: User) -> None:
    """Write over another connection."""

    def write() -> None:
        with database.connection_context():
            User.update(password_hash="x").where(User.id == user.id).execute()

    other = Thread(target=write)
    other.start()
    other.join()


def test_a_loop_over_rows_may_write(world: Any):
    first = make_user()
    for _ in range(3):
        make_user()
    for user in User.select().order_by(User.id):
        written_elsewhere(first)
        User.update(name="Nieuw").where(User.id == user.id).execute()
    assert {(user.name, user.id == first.id) for user in User.select()} == {("Nieuw", True), ("Nieuw", False)}


def test_a_query_can_be_iterated_twice(world: Any):
    made = [make_user().id for _ in range(3)]
    query = User.select(User.id).order_by(User.id)
    assert [user.id for user in query] == [user.id for user in query] == made
    assert list(query.tuples()) == [(one,) for one in made]
    assert (query.count(), query.first().id, query.get().id) == (3, made[0], made[0])


def test_a_selection_is_written_as_peewee_writes_it(world: Any):
    """Every table alone, beside those that it refers to, under an alias, and as a part of another query."""
    for table in TABLES:
        assert table.select().sql() == ModelSelect(table, table._meta.sorted_fields, is_default=True).sql()
    joined = BatchLine.select(BatchLine.id, Batch, PayrollRun).join(Batch).join(PayrollRun)
    plain = ModelSelect(BatchLine, (BatchLine.id, Batch, PayrollRun)).join(Batch).join(PayrollRun)
    assert joined.where(Batch.id == 7).sql() == plain.where(Batch.id == 7).sql()
    other = Batch.alias("other")
    aliased = cast("Any", other)
    assert aliased.select().sql() == ModelSelect(other, aliased.get_field_aliases(), is_default=True).sql()
    assert BatchLine.select().where(BatchLine.batch.in_(Batch.select())).sql()[0].count("SELECT") == 2
