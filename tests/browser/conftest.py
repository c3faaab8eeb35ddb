"""Somebody with a phone in the running house, and a folder for pictures of every step.

BIZCUIT_SCREENSHOTS names the folder; by default the pictures go where pytest keeps what tests write.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.mobile_page import Phone, entrepreneur, new_context, newcomer
from tools.demo_journey import Person, Story
from tools.dev_stack import Stack

# Looks at what another run has kept: see there.
collect_ignore = [] if "BIZCUIT_STATES" in os.environ else ["test_every_state.py"]

_emails = (f"wouter{number}@demobv.example" for number in itertools.count(1))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("BIZCUIT_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def take(chromium, house: Stack, shots: Path) -> Iterator[Callable[..., Phone]]:
    """Hands a phone to a person; at the end nothing may have gone wrong on it."""
    taken: list[Phone] = []

    def handed(person: Person, scripts: bool = True) -> Phone:
        taken.append(Phone(new_context(chromium, scripts).new_page(), house, person, shots, scripts))
        return taken[-1]

    yield handed
    for phone in taken:
        phone.page.context.close()
        phone.expect_no_trouble()


def known(take: Callable[..., Phone], story: Story, **options: bool) -> Phone:
    """The phone on which this person made the account: its device cookie comes along, and no session."""
    phone = take(story.person, **options)
    (cookie,) = [one for one in story.visitor.cookies() if one.name == "bzd"]
    kept = {"name": "bzd", "value": cookie.value or "", "url": phone.house.base_url, "httpOnly": True}
    phone.page.context.add_cookies([kept])  # type: ignore[list-item]
    return phone


@pytest.fixture
def stranger(house: Stack, take: Callable[..., Phone]) -> Phone:
    """The phone of somebody who has no account yet."""
    return take(newcomer(house, next(_emails)))


@pytest.fixture
def wouter(house: Stack, take: Callable[..., Phone]) -> Phone:
    """The phone of an entrepreneur whose bank and Nmbrs are linked; not signed in."""
    return known(take, entrepreneur(house, next(_emails)))


@pytest.fixture
def plain_wouter(house: Stack, take: Callable[..., Phone]) -> Phone:
    """The same on a phone that runs no scripts."""
    return known(take, entrepreneur(house, next(_emails)), scripts=False)
