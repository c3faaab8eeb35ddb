"""Wherever the product is killed, nothing is lost, doubled or left over once it runs again.

The story of three payments runs once to count its places (`tests/support/kill_places.py`), then once for each place,
where its process ends without a word. A new process sweeps to the end, people go on, and the world must be that of the
run that nobody disturbed.
"""

import json
import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask

import jobs
import models
from jobs import mail_rendering
from tests.support import figures
from tests.support.kill_places import DIED, Places
from tests.support.payment_story import BY_HAND, REFUSED, SIGNED, Outcome, Story
from tests.support.sandbox import Sandbox
from tests.test_valkey import queue  # noqa: F401  (a fixture)

pytestmark = pytest.mark.asks_payees  # the questions are answered as a person answers them

Queue = tuple[Any, Path]  # the process and the socket of the queue's server

LIVED, FAILED = 0, 1
SHARE = 3  # places of the first plot that `make test` tries; `make test-long` tries all of all
PATIENCE = 60  # seconds of one process


@dataclass
class Told:
    """What a process told before it ended: in which step it was, and the places that it had come by."""

    code: int
    step: int = 0
    kinds: list[str] = field(default_factory=list)
    trouble: str = ""


@dataclass
class House:
    """The parts on which the story runs, and how to begin it anew."""

    app: Flask
    sandbox: Sandbox
    queue_url: str
    home: Path
    new_database: Callable[[], str]
    honours: bool = True

    def begin(self) -> tuple[Story, str]:
        """Return a story that nobody has told yet, and the URL of its database."""
        url = self.new_database()
        self.sandbox.reset()
        self.sandbox.control("PUT", "banks/redirect", {"honours_request_id": self.honours})
        jobs.connect(self.queue_url).flushdb()
        for name in ("newest-mark.json", "order-marks.jsonl", "anchors.jsonl"):
            (self.home / name).unlink(missing_ok=True)
        mail_rendering.set_app(self.app)
        return Story(self.app, self.sandbox, self.home), url


@pytest.fixture
def house(
    app: Flask,
    new_database: Callable[[], str],
    running_sandbox: Sandbox,
    tmp_path: Path,
    queue: Queue,  # noqa: F811
) -> Iterator[House]:
    home = tmp_path / "house"
    home.mkdir(mode=0o700)
    yield House(app, running_sandbox, f"unix://{queue[1]}?db=0", home, new_database)
    jobs.connect("redis://127.0.0.1:1/0")


# --- a process that is killed ---------------------------------------------------------------------
def tell(house: House, story: Story, url: str, name: str, kill_at: int) -> Told:
    """Tell the story in a process of its own that is killed at this place; 0: nowhere."""
    models.disconnect()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _tell_and_die(house, story, url, name, kill_at, write)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = Told(LIVED, **json.loads(pipe.read() or "{}"))
    told.code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    models.database.connect()
    assert told.code in (LIVED, DIED), told.trouble or told.code
    return told


def _tell_and_die(house: House, story: Story, url: str, name: str, kill_at: int, write: int) -> NoReturn:
    at = 0

    def say(_kind: str = "", trouble: str = "") -> None:
        os.write(write, json.dumps({"step": at, "kinds": story.places.kinds, "trouble": trouble}).encode())

    code = FAILED
    try:
        signal.alarm(PATIENCE)
        models.connect(url)
        jobs.connect(house.queue_url)
        story.enter()
        prelude, steps = story.plot(name)
        for step in prelude:
            step()
        story.places = Places(kill_at, say)
        story.places.watch(house.home, {house.sandbox.smtp_port: "mail"})
        for at, step in enumerate(steps):  # noqa: B007 (told when it dies)
            step()
        say()
        code = LIVED
    except BaseException:  # noqa: BLE001 (whatever it is, the test says so)
        say(trouble=traceback.format_exc())
    finally:
        os._exit(code)  # never return into the test


def go_on(story: Story, name: str, told: Told) -> int:
    """Start again after a kill: the worker sweeps to its end, people go on. Returns how many orders only people could
    settle.
    """
    _, steps = story.plot(name)
    rotated = story.rotate_keys in steps and told.step >= steps.index(story.rotate_keys)
    story.go_on("k2" if rotated else "k1")
    story.work()
    asked = story.ask_the_bank()
    for step in steps[told.step :]:
        step()
        asked += story.ask_the_bank()
    return asked


# --- the comparison -------------------------------------------------------------------------------
def doubled(now: Counter[str], before: Counter[str]) -> int:
    """Return how many messages came twice; nothing else may differ."""
    assert before - now == Counter(), "a message is lost"
    assert set(now) == set(before)
    assert all(now[one] <= before[one] + 1 for one in now)
    return (now - before).total()


def waits_for_people(now: Outcome, story: Story, asked: int) -> bool:
    """Return whether two operators said that the bank has an order of which it never gave its own id.

    Nobody can sign it here, and its result comes by the bank's file. It is there once, and nothing of it is paid.
    """
    held = [one["msg_id"] for one in story.sandbox.control("GET", "orders")]
    still = (now.faults, now.holds, now.paid, now.states) == ((), 0, {}, ["at_bank"])
    return asked > 0 and still and held.count(story.batch.reference) == 1


def compare(now: Outcome, before: Outcome, kinds: list[str]) -> tuple[int, int]:
    """Require the same world; return how many mails and push messages came twice.

    That happens only where the process is killed after a message was handed over, before that is written down: neither
    SMTP nor Web Push lets the sender ask.
    """
    assert now.faults == ()
    assert now.holds == 0, "a kill is no restore"
    assert (now.paid, now.states, now.mail_ids) == (before.paid, before.states, before.mail_ids)
    mails, pushes = doubled(now.mails, before.mails), doubled(now.pushes, before.pushes)
    around = " ".join(kinds[-3:])
    assert not mails or "mail" in around, around
    assert not pushes or "push" in around, around
    return mails, pushes


def try_each(house: House, name: str, chosen: Callable[[int], list[int]]) -> Counter[str]:
    """Tell the story undisturbed, then once for each chosen place; return figures."""
    story, url = house.begin()
    undisturbed = tell(house, story, url, name, 0)
    story.go_on("k2" if name == SIGNED else "k1")
    before = story.outcome()
    assert before.paid and before.states == ["executed"]
    found = Counter(places=len(undisturbed.kinds))
    for place in chosen(len(undisturbed.kinds)):
        story, url = house.begin()
        told = tell(house, story, url, name, place)
        if told.code == LIVED:
            continue
        found["kills"] += 1
        where = f"{name}: killed at place {place}, step {told.step}, {told.kinds[-3:]}"
        try:
            asked, mails, pushes = go_on(story, name, told), 0, 0
            now = story.outcome()
            if not waits_for_people(now, story, asked):
                mails, pushes = compare(now, before, told.kinds)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        found["by people"] += asked
        found["mails twice"] += mails
        found["pushes twice"] += pushes
    figures.add(kills=found["kills"])
    print(f"{name}: {dict(found)}")
    return found


def test_killed_at_a_few_places(house: House):
    """A bounded sample: places spread over the whole story, always the same."""
    found = try_each(house, SIGNED, lambda count: [count * part // (SHARE + 1) for part in range(1, SHARE + 1)])
    assert found["kills"] == SHARE
    assert found["places"] > 100
    assert found["by people"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("honours", [True, False], ids=["an idempotent bank", "a bank that is not"])
@pytest.mark.parametrize("name", [SIGNED, REFUSED, BY_HAND])
def test_killed_at_every_place(house: House, name: str, honours: bool):
    house.honours = honours
    found = try_each(house, name, lambda count: list(range(1, count + 1)))
    assert found["kills"] >= found["places"] * 95 // 100
    assert (found["by people"] > 0) == (not honours and name != BY_HAND)
