"""While a part is broken, pages say so and nothing is half done; once it is whole again, the payment goes its way.

The story of a payment (`tests/support/payment_story.py`) goes on while the part is broken, in every step; then the part
is whole again and the step is taken once more. At the end books, bank, mailbox and push messages must be those of the
story that nothing disturbed. `docs/failures.md` lists the faults.
"""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
import time_machine
from peewee import PeeweeException
from redis.exceptions import RedisError

import jobs
import models
from core.clock import utcnow
from domain.common.errors import DomainError
from domain.common.marks import NoMarkKept
from domain.common.services import configure, services
from tests.conftest import POSTGRES, on_server
from tests.support import figures
from tests.support.factories import make_world
from tests.support.payment_story import SIGNED, Outcome, Story, let_time_pass, sweep
from tests.support.web_client import Page
from tests.test_valkey import queue  # noqa: F401  (a fixture)
from tests.web.test_database_away import full, locked
from tests.web.test_killed_anywhere import House, doubled, house  # noqa: F401  (a fixture)

pytestmark = pytest.mark.thorough

IMPATIENT = 0.3  # seconds; production waits longer for an answer
FILES_UP_TO = 32 * 1024  # bytes, on a full disk: the database is larger
# What a job of the worker may end with: it is logged, and the sweep finds its work again.
OF_A_JOB = (PeeweeException, RedisError, OSError, NoMarkKept)


@dataclass(frozen=True)
class Fault:
    """How a part is broken, and which messages cannot come because of it."""

    breaks: Callable[[Story], AbstractContextManager[object]]
    loses: tuple[str, ...] = ()


def switched(name: str, *loses: str) -> Fault:
    """A fault of the sandbox."""

    @contextmanager
    def breaks(story: Story) -> Iterator[None]:
        story.sandbox.fault(**{name: True})
        try:
            yield
        finally:
            story.sandbox.fault(**{name: False})

    return Fault(breaks, loses)


def slow(name: str) -> Fault:
    """The other side does not answer in time; we wait a moment only, so that the test does."""

    @contextmanager
    def breaks(story: Story) -> Iterator[None]:
        before = services()
        quick = make_world(story.sandbox.url, story.sandbox.smtp_port, story.home, patience=IMPATIENT)
        configure(replace(before, payroll=quick.payroll, bank=quick.bank))
        with switched(name).breaks(story):
            yield
        configure(before)

    return Fault(breaks)


@contextmanager
def queue_away(_: Story) -> Iterator[None]:
    whole = jobs.connection().connection_pool.connection_kwargs["path"]
    jobs.connect("redis://127.0.0.1:1/0")
    yield
    jobs.connect(f"unix://{whole}?db=0")


@contextmanager
def queue_emptied(_: Story) -> Iterator[None]:
    """Whatever is put into it is gone."""
    yield
    jobs.connection().flushdb()


@contextmanager
def database_locked(_: Story) -> Iterator[None]:
    with locked():
        yield
    models.database.execute_sql("pragma busy_timeout = 5000")


@contextmanager
def database_full(_: Story) -> Iterator[None]:
    models.database.execute_sql("pragma wal_checkpoint(truncate)")
    with full():
        yield


@contextmanager
def database_restarted(_: Story) -> Iterator[None]:
    """Every connection is cut; the server takes new ones at once."""
    on_server("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
              POSTGRES.rpartition("/")[2])  # fmt: skip
    yield
    models.drop_idle_connections()
    models.database.close()
    models.database.connect(reuse_if_open=True)


@contextmanager
def disk_full(_: Story) -> Iterator[None]:
    """No file of this process can grow: database, marks and heads alike."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILES_UP_TO, most[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, most)


def clock(change: timedelta) -> Fault:
    return Fault(lambda _: time_machine.travel(utcnow() + change, tick=True))


FAULTS: dict[str, Fault] = {
    "the queue is away": Fault(queue_away),
    "the queue is emptied": Fault(queue_emptied),
    "the disk is full": Fault(disk_full),
    "the clock is a day ahead": clock(timedelta(days=1)),
    "the clock is a day behind": clock(timedelta(days=-1)),
    "Nmbrs is slow": slow("nmbrs_hang"),
    "Nmbrs has an error of its own": switched("nmbrs_9999"),
    "Nmbrs is a page of a proxy": switched("nmbrs_html_503"),
    "Nmbrs says what is no XML": switched("nmbrs_not_xml"),
    "Nmbrs lists no runs": switched("nmbrs_empty_runs"),
    "the bank is slow": slow("bank_hang"),
    "the bank is away": switched("bank_down"),
    "the bank's connection is cut": switched("bank_cut"),
    "the bank's answer to an order is lost": switched("bank_lost_answer"),
    "the bank's answer to an order is of a proxy": switched("bank_order_504"),
    "the bank's answer to an order is unreadable": switched("bank_strange_answer"),
    "the bank's answer is one of before": switched("bank_slow_status"),
    "the bank contradicts itself": switched("bank_contradictory_status"),
    "the bank says an unknown status": switched("bank_strange_status"),
    "the mail server is busy": switched("mail_later"),
    "the mail server refuses for good": switched("mail_refused", "mails"),
    "the push service is down": switched("push_down"),
    "the push service is busy": switched("push_busy"),
    "the push service knows the phone no more": switched("push_gone", "pushes"),
}
FAULTS |= {"the database is restarted": Fault(database_restarted)} if POSTGRES else {
    "the database is locked": Fault(database_locked), "the database is full": Fault(database_full),
}  # fmt: skip


def watch(story: Story, seen: list[int]) -> None:
    """Note the status of every page that the person gets."""
    send = story.owner._send

    def noted(*given: object, **named: object) -> Page:
        page = send(*given, **named)  # type: ignore[arg-type]
        seen.append(page.status_code)
        if page.status_code == 503:
            assert "Bizcuit is tijdelijk niet bereikbaar" in page.html
        return page

    story.owner._send = noted  # type: ignore[method-assign]


def attempt(story: Story, step: Callable[[], None]) -> None:
    """Take a step while a part is broken: it may fail, as long as it says so."""
    try:
        if step == story.work:
            let_time_pass()
            sweep(story.places)
        else:
            step()
    except (*OF_A_JOB, DomainError, AssertionError):
        pass  # a job that failed; or the page told the person to try again
    finally:
        if models.database.in_transaction():
            models.database.rollback()


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Outcome]:
    """The outcome without a fault, once it is known."""
    return {}


def tell(house: House, fault: Fault | None) -> tuple[Outcome, list[int]]:  # noqa: F811
    """Tell the story, with each step taken while the part is broken, and again. Returns the statuses of all pages."""
    story, _ = house.begin()
    seen: list[int] = []
    watch(story, seen)
    steps = story.plot(SIGNED)[1]
    for number, step in enumerate(steps):
        if fault:
            with fault.breaks(story):
                attempt(story, step)
            story.owner = story._sign_in()  # a session may have ended while the clock was ahead
            watch(story, seen)
            story.work()
            figures.add(faults=1)
        step()
        if number > steps.index(story.pay) and story.batch.state == "open":
            for earlier in steps[: number + 1]:  # its day went by while the clock was ahead: it is approved again
                earlier()
    return story.outcome(), seen


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_part(house: House, undisturbed: dict[str, Outcome], name: str):  # noqa: F811
    before = undisturbed.setdefault("", undisturbed.get("") or tell(house, None)[0])
    now, seen = tell(house, FAULTS[name])
    assert [status for status in seen if status >= 500 and status != 503] == []
    assert now.faults == ()
    assert (now.states, now.paid) == (before.states, before.paid)
    assert now.holds == 0
    for kind in {"mails", "pushes"} - set(FAULTS[name].loses):
        assert doubled(getattr(now, kind), getattr(before, kind)) == 0
