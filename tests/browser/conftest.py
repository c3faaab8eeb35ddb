"""People with phones on the running stack, and screenshots of every step.

BIZCUIT_SCREENSHOTS names their folder; by default they are in pytest's temporary folder.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.mobile_page import Phone, new_context, newcomer
from tests.support.prepared_house import PreparedHouse, device_of, sign_in
from tools.demo_journey import DemoJourney, Person
from tools.dev_stack import Stack

# Checks pages stored by another run, see that file.
collect_ignore = [] if "BIZCUIT_STATES" in os.environ else ["test_every_state.py"]

_emails = (f"nieuw{number}@demobv.example" for number in itertools.count(1))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("BIZCUIT_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def take(chromium, house: Stack, shots: Path) -> Iterator[Callable[..., Phone]]:
    """Give a person a phone; at the end of the test no error may have occurred on it."""
    taken: list[Phone] = []

    def handed(person: Person, scripts: bool = True) -> Phone:
        taken.append(Phone(new_context(chromium, scripts).new_page(), house, person, shots, scripts))
        return taken[-1]

    yield handed
    for phone in taken:
        phone.page.context.close()
        phone.expect_no_trouble()


def known(take: Callable[..., Phone], story: DemoJourney, **options: bool) -> Phone:
    """The phone on which this person registered: it has the device cookie, but no session."""
    phone = take(story.person, **options)
    add_cookies(phone, [device_of(story)])
    return phone


def add_cookies(phone: Phone, cookies: list[Any]) -> None:
    url = phone.house.base_url
    for one in cookies:
        kept = {"name": one.name, "value": one.value or "", "url": url, "httpOnly": True}
        phone.page.context.add_cookies([kept])  # type: ignore[list-item]


@pytest.fixture(scope="session")
def prepared(house: Stack, tmp_path_factory: pytest.TempPathFactory) -> PreparedHouse:
    return PreparedHouse(house, tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def stranger(house: Stack, take: Callable[..., Phone]) -> Phone:
    """The phone of someone without an account."""
    return take(newcomer(house, next(_emails)))


@pytest.fixture
def returning(prepared: PreparedHouse, take: Callable[..., Phone]) -> Phone:
    """The phone of an entrepreneur with a linked bank and Nmbrs, not logged in."""
    return known(take, prepared.restore())


@pytest.fixture
def wouter(prepared: PreparedHouse, take: Callable[..., Phone]) -> Phone:
    """The same, logged in."""
    return at_home(prepared, take)


@pytest.fixture
def plain_wouter(prepared: PreparedHouse, take: Callable[..., Phone]) -> Phone:
    """The same on a phone without JavaScript."""
    return at_home(prepared, take, scripts=False)


def at_home(prepared: PreparedHouse, take: Callable[..., Phone], **options: bool) -> Phone:
    story = prepared.restore()
    phone = take(story.person, **options)
    add_cookies(phone, sign_in(prepared.house, story).cookies())
    return phone
