"""A running stack with a customer who has completed onboarding, restored before each test.

Onboarding runs once per session, over HTTP. The databases of the stack and the sandbox are then copied, and copied back
before each test while both run; their processes hold no other state. On PostgreSQL onboarding runs again each time.
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
from jobs.marks import NEWEST, ORDERS
from tests.support.mobile_page import entrepreneur
from tools.demo_journey import DemoJourney, wait_for
from tools.dev_stack import Stack
from tools.http_browser import HttpBrowser

SQLITE = "sqlite:///"
DIRECTORY_LASTS = 1.1  # seconds for which the app caches the bank directory
_emails = (f"wouter{number}@demobv.example" for number in itertools.count(1))


class PreparedHouse:
    """The stack, the customer with linked bank and Nmbrs, and the customer's confirmed device."""

    def __init__(self, house: Stack, folder: Path) -> None:
        self.house, self._folder = house, folder
        self._queue = Redis.from_url(house.redis_url)
        self._story: DemoJourney | None = None

    @property
    def _databases(self) -> list[Path]:
        return [Path(self.house.database_url.removeprefix(SQLITE)), self.house.home / "sandbox" / "sandbox.sqlite3"]

    def restore(self) -> DemoJourney:
        """Return the journey of the customer, with the stack and the sandbox as they were after onboarding."""
        if self._story is not None and self.house.database_url.startswith(SQLITE):
            self._wait_until_idle()
            banks = self._banks()
            for live in self._databases:
                copy(self._folder / live.name, live)
            forget_marks(self.house.home, self._queue)
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
        """Wait until no job of the previous test can write into the restored databases."""
        queues = [Queue(name, connection=self._queue) for name in jobs.NAMES]
        started = [StartedJobRegistry(queue=queue) for queue in queues]
        wait_for("an idle worker", lambda: not any(one.count for one in [*queues, *started]))


def forget_marks(home: Path, queue: Redis | None = None) -> None:
    """Forget what is kept outside the database of how far it had come: the test goes back on purpose."""
    for name in ("newest-mark.json", "order-marks.jsonl", "audit-anchors.jsonl"):
        (home / name).unlink(missing_ok=True)
    if queue is not None:
        queue.delete(NEWEST, ORDERS)


def copy(source: Path, target: Path) -> None:
    """Copy a SQLite database page by page; the target may be in use."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=10)) as written:
        read.backup(written)


def sign_in(house: Stack, story: DemoJourney) -> HttpBrowser:
    """Return a browser in which the customer has just signed in on the confirmed device."""
    again = DemoJourney(house.base_url, house.sandbox_url)
    again.person = story.person
    again.visitor.keep(device_of(story))
    again.sign_in()
    return again.visitor


def device_of(story: DemoJourney) -> Any:
    """Return the cookie of the customer's confirmed device."""
    return next(cookie for cookie in story.visitor.cookies() if cookie.name == "bzd")
