"""The cached totals of a long payment equal those computed from its lines, or are not used."""

import pytest
from peewee import SQL

from connectors.bank.port import Psu
from domain.common.errors import BatchChanged
from domain.payments import amendments, queries, release, totals
from domain.payments.digest import wishes_of
from domain.payments.line_search import LineQuery
from models import Batch, BatchLine
from tests.support.factories import Demo
from tests.support.large_batches import many

PSU = Psu("127.0.0.1", None)
LONG = totals.CACHE_THRESHOLD + 20


@pytest.fixture
def batch(demo: Demo) -> Batch:
    return demo.batch(many(LONG))


def shown(demo: Demo, batch: Batch) -> tuple:
    """Return digest, total and counts as a page shows them; the second time from the cache."""
    for _ in range(2):
        found = queries.get_payment(demo.client, batch.reference, LineQuery())
    return found.digest, found.total_cents, found.lines_all, found.lines_payable, found.spelt_count, found.reasons


def counted(demo: Demo, batch: Batch) -> tuple:
    """Compute the same from all lines."""
    whole = queries.get_payment(demo.client, batch.reference)
    return whole.digest, whole.total_cents, whole.lines_all, whole.lines_payable, whole.spelt_count, whole.reasons


def strike(demo: Demo, batch: Batch) -> None:
    line = BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == 7)
    amendments.exclude_line(demo.client, demo.user, batch.reference, line.id)


def other_account(demo: Demo, batch: Batch) -> None:
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, demo.other.id)


def behind_our_back(demo: Demo, batch: Batch) -> None:
    BatchLine.update(state="excluded").where(BatchLine.batch == batch.id, BatchLine.position > 100).execute()


def refused_whole(demo: Demo, batch: Batch) -> None:
    BatchLine.update(state="rejected", bank_reason_code="AC04").where(BatchLine.batch == batch.id).execute()
    Batch.update(state="rejected").where(Batch.id == batch.id).execute()


def another_spelling(demo: Demo, batch: Batch) -> None:
    changed = {"creditor_name_sepa": "Somebody", "end_to_end_id": BatchLine.end_to_end_id.concat("x")}
    BatchLine.update(**changed).where(BatchLine.batch == batch.id, BatchLine.position.in_((3, 110))).execute()


@pytest.mark.parametrize("act", [strike, other_account, behind_our_back, refused_whole, another_spelling])
def test_every_change_invalidates_the_cache(demo: Demo, batch: Batch, act):
    before = shown(demo, batch)
    assert before == counted(demo, batch)
    act(demo, batch)
    assert shown(demo, batch) == counted(demo, batch) != before


def test_an_undone_change_restores_the_digest(demo: Demo, batch: Batch):
    before = shown(demo, batch)
    strike(demo, batch)
    assert amendments.include_all_lines(demo.client, demo.user, batch.reference) == 1
    assert shown(demo, batch) == before


def test_a_decision_returns_the_digests_before_and_after(demo: Demo, batch: Batch):
    before, line = shown(demo, batch)[0], BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == 120)
    judged = amendments.exclude_line(demo.client, demo.user, batch.reference, line.id)
    assert (judged.before, judged.after, judged.alone) == (before, counted(demo, batch)[0], True)


def test_totals_computed_during_a_change_are_not_cached(demo: Demo, batch: Batch):
    slow = queries.get_batch(demo.client, batch.reference)
    behind_our_back(demo, batch)
    totals.get_totals(slow, queries.execution_date(slow), wishes_of(slow.client))
    assert Batch.get_by_id(batch.id).totals_cache is None
    assert shown(demo, batch) == counted(demo, batch)


def test_a_wrong_cache_pays_nothing(demo: Demo, batch: Batch):
    shown(demo, batch)
    kept = Batch.get_by_id(batch.id).totals_cache
    kept["sums"] |= {"digest": "0" * 64, "cents": 1}
    Batch.update(totals_cache=kept).where(Batch.id == batch.id).execute()
    wrong = shown(demo, batch)[0]
    assert wrong == "0" * 64
    with pytest.raises(BatchChanged):
        release.release(demo.membership, batch.reference, wrong, "session", PSU)
    assert Batch.get_by_id(batch.id).state == "open"


def test_a_short_payment_is_not_cached(demo: Demo):
    batch = demo.batch(many(totals.CACHE_THRESHOLD))
    assert shown(demo, batch) == counted(demo, batch)
    assert Batch.get_by_id(batch.id).totals_cache is None


def test_every_change_of_a_line_renews_the_version(demo: Demo, batch: Batch):
    versions = []
    for change in ({"state": "excluded"}, {"state": "open"}, {"bank_reason_code": "AC04"}, {"state": SQL("state")}):
        BatchLine.update(**change).where(BatchLine.batch == batch.id, BatchLine.position == 1).execute()
        versions.append(Batch.get_by_id(batch.id).lines_version)
    assert len(set(versions)) == 4


def test_another_payments_version_is_unchanged(demo: Demo, batch: Batch):
    other = demo.batch(many(LONG), number=2)
    before = Batch.get_by_id(other.id).lines_version
    strike(demo, batch)
    assert Batch.get_by_id(other.id).lines_version == before
