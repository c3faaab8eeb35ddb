"""A loop over rows may write, also while another connection writes."""

from threading import Thread
from typing import Any

from models import User, database
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
