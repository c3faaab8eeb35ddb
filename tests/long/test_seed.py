"""What `make run` makes at each start: a payment that can be approved at once, also when this month's was paid."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.demo_journey import DemoJourney, catch_up
from tools.dev_seed import make_payment, waiting
from tools.dev_stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def story(tmp_path: Path, house_environ) -> Iterator[DemoJourney]:
    with Stack(tmp_path / "home", environ=house_environ(), notice=print) as stack:
        yield DemoJourney(stack.base_url, stack.sandbox_url)


def test_a_second_payment_needs_nothing_to_be_read_first(story: DemoJourney):
    catch_up(story, print)
    first = make_payment(story)
    story.approve()
    story.sign()
    assert waiting(story) is None
    second = make_payment(story)
    assert second.url != first.url
    second.expect_text("Betaal €")
