"""A running house in which an entrepreneur is all set up, put back before each test.

The entrepreneur walks once a session, over HTTP. What the house and the other side then hold is kept, and copied back
for each test while both run: their processes keep nothing else. On PostgreSQL everybody walks anew.
"""

import itertools
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue
from rq.registry import StartedJobRegistry

import jobs
from tests.support.mobile_page import entrepreneur
from tools.demo_journey import DemoJourney, wait_for
from tools.dev_stack import Stack
from tools.http_browser import HttpBrowser

SQLITE = "sqlite:///"
DIRECTORY_LASTS = 1.1  # seconds that the house believes what it was told of its banks
_emails = (f"wouter{number}@demobv.example" for number in itertools.count(1))


class PreparedHouse:
    """The house, the person whose bank and Nmbrs are linked, and the device that they confirmed."""

    def __init__(self, house: Stack, folder: Path) -> None:
        self.house, self._folder = house, folder
        self._queue = Redis.from_url(house.redis_url)
        self._story: DemoJourney | None = None

    @property
    def _databases(self) -> list[Path]:
        return [Path(self.house.database_url.removeprefix(SQLITE)), self.house.home / "sandbox" / "sandbox.sqlite3"]

    def restore(self) -> DemoJourney:
        """Return the story of the person who is all set up, on a house and another side as they were then."""
        if self._story is not None and self.house.database_url.startswith(SQLITE):
            self._wait_until_idle()
            banks = self._banks()
            for live in self._databases:
                copy(self._folder / live.name, live)
            if self._banks() != banks:
                time.sleep(DIRECTORY_LASTS)
            return self._story
        self._story = entrepreneur(self.house, next(_emails))
        self._wait_until_idle()
        if self.house.database_url.startswith(SQLITE):
            for live in self._databases:
                copy(live, self._folder / live.name)
        return self._story

    def _banks(self) -> Any:
        return HttpBrowser().json("GET", f"{self.house.sandbox_url}/banks")

    def _wait_until_idle(self) -> None:
        """No job of the test before may write into what is put back."""
        queues = [Queue(name, connection=self._queue) for name in jobs.NAMES]
        started = [StartedJobRegistry(queue=queue) for queue in queues]
        wait_for("an idle worker", lambda: not any(one.count for one in [*queues, *started]))


def copy(source: Path, target: Path) -> None:
    """Copy a SQLite database, page by page, also into one that others have open."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=10)) as written:
        read.backup(written)


def sign_in(house: Stack, story: DemoJourney) -> HttpBrowser:
    """Return a browser in which this person has just signed in on the device that they confirmed."""
    again = DemoJourney(house.base_url, house.sandbox_url)
    again.person = story.person
    again.visitor.keep(device_of(story))
    again.sign_in()
    return again.visitor


def device_of(story: DemoJourney) -> Any:
    """Return the cookie of the device that this person confirmed."""
    return next(cookie for cookie in story.visitor.cookies() if cookie.name == "bzd")
