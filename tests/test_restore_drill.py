"""The whole stack is restored as an operator would, from a backup and from a copied file, and pays exactly once.

web, worker, queue, sandbox and the command line are real processes. The bank keeps what it was given.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import POSTGRES
from tests.support.mobile_page import entrepreneur
from tests.test_demo import FREE_DAYS
from tools.demo_journey import DemoJourney, wait_for
from tools.dev_stack import ROOT, Stack

pytestmark = pytest.mark.skipif(bool(POSTGRES), reason="copies a file; tests/domain/test_backup.py has both")


class Operator:
    """Somebody at the command line of this stack."""

    def __init__(self, stack: Stack, folder: Path):
        self.stack, self.folder = stack, folder

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *words], cwd=ROOT, env=self.stack.environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, query: str, *values: str) -> list[tuple]:
        """Return what the database answers: waiting for it takes far less than a command each time."""
        with closing(sqlite3.connect(self.stack.database_url.removeprefix("sqlite:///"))) as database:
            return database.execute(query, values).fetchall()

    def hold(self, cause: str = "restore") -> str:
        """Return the number of the hold in force with this cause; wait for it."""
        query = "select id from payment_hold where cause = ? and lifted_at is null"
        wait_for(f"a hold, {cause}", lambda: self.rows(query, cause))
        [(number,)] = self.rows(query, cause)
        return str(number)

    def ask(self) -> str:
        """Return what `restore-check` says once everything was asked."""
        wait_for("everything to be asked", lambda: "everything was asked" in self.run("restore-check", "--ask"))
        return self.run("restore-check")


def orders(story: DemoJourney) -> list[tuple[str, str]]:
    told = story.visitor.json("GET", f"{story.sandbox}/control/orders")
    return [(order["msg_id"], order["status"]) for order in told]


def by_command(operator: Operator, taken: Path) -> None:
    assert "0 faults" in operator.run("restore", str(taken / "of.backup"), "--replace")


def by_copy(operator: Operator, taken: Path) -> None:
    """As somebody does who has never heard of the command."""
    target = Path(operator.stack.database_url.removeprefix("sqlite:///"))
    for end in ("-wal", "-shm"):
        Path(f"{target}{end}").unlink(missing_ok=True)
    shutil.copyfile(taken / "of.db", target)


def take(operator: Operator, into: Path) -> None:
    """Take a backup and a copy of the database while everything runs."""
    into.mkdir()
    operator.run("backup", str(into / "of.backup"))
    path = operator.stack.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(into / "of.db")) as copy:
        source.backup(copy)


def choose_a_later_day(story: DemoJourney) -> None:
    """So that the cut-off of today cannot pass while payments are held, which would open the payment again."""
    page = story.shown().link("/wijzigen")
    (chosen,) = page.tree.xpath("//input[@name='execution_date'][@checked]/@value")
    later = [day for day in page.tree.xpath(FREE_DAYS) if day > chosen]
    story.payment = page.form("/wijzigen").choose(later[0]).submit("Bevestig wijzigingen")


def approve_under_hold(operator: Operator, story: DemoJourney, into: Path) -> None:
    """Approve while payments are held, take the copies, and let it go on."""
    operator.run("hold", "all", "--reason", "We zetten een back-up terug", "--by", "olga")
    story.approve()
    assert "We zetten een back-up terug." in story.visitor.open(story.shown().url.split("?")[0]).text
    take(operator, into)
    operator.run("hold", "lift", operator.hold("operator"), "--reason", "over", "--by", "olga")


def send_without_answer(operator: Operator, story: DemoJourney, into: Path) -> None:
    """The bank takes the order, its answer is lost and the worker is killed; take the copies before anyone knows."""
    faults = f"{story.sandbox}/control/faults"
    story.visitor.json("POST", faults, {"bank_lost_answer": True})
    story.approve()
    wait_for("the order at the bank", lambda: orders(story))
    story.visitor.json("POST", faults, {"bank_down": True})  # the next worker does not learn more
    worker = operator.stack.child("worker").process
    assert worker is not None
    os.killpg(worker.pid, signal.SIGKILL)
    take(operator, into)
    assert f"{orders(story)[0][0]}  submitted  bank says -" in operator.run("order", "show", orders(story)[0][0])
    story.visitor.json("POST", faults, {"bank_lost_answer": False, "bank_down": False})


@pytest.mark.parametrize(
    ("moment", "way"),
    [("before the run", by_copy), ("between approval and sending", by_command),
     pytest.param("between sending and its answer", by_copy, marks=pytest.mark.thorough)],
    ids=["before the run, a copied file", "between approval and sending, by command",
         "between sending and its answer, the worker killed, a copied file"],
)  # fmt: skip
def test_a_restored_stack_pays_exactly_what_is_owed(
    tmp_path: Path, house_environ: Callable[[], dict[str, str]], moment: str, way: Callable[[Operator, Path], None]
):
    home, environ, taken = tmp_path / "home", house_environ(), tmp_path / "taken"
    with Stack(home, environ=environ, notice=print) as stack:
        operator = Operator(stack, tmp_path)
        story = entrepreneur(stack, "drill@demobv.example")
        if moment == "before the run":
            take(operator, taken)
        story.run_payroll()
        story.check_accounts()
        choose_a_later_day(story)
        if moment == "before the run":
            story.approve()
        elif moment == "between approval and sending":
            approve_under_hold(operator, story, taken)
        else:
            send_without_answer(operator, story, taken)
        story.sign()
        story.execute()
        before, ports = orders(story), stack.ports
    assert len(before) == 1
    way(operator, taken)
    with Stack(home, ports=ports, environ=environ, notice=print) as stack:
        operator = Operator(stack, tmp_path)
        number = operator.hold()
        said = operator.ask()
        if moment != "between sending and its answer":  # in that copy it is known
            assert before[0][0] in said, "the order that was sent since is found"
        if moment == "between approval and sending":
            held = operator.hold("operator")
            operator.run("hold", "lift", held, "--reason", "over", "--by", "olga")
        assert orders(story) == before
        operator.run("hold", "lift", number, "--reason", "all was asked", "--by", "olga")
        assert operator.run("hold", "list") == ""
        reference = before[0][0]
        over = "select 1 from batch where reference = ? and state in ('executed', 'replaced')"
        wait_for("its outcome", lambda: operator.rows(over, reference))
        assert re.search("executed|replaced", operator.run("order", "show", reference))
        assert operator.run("check-books").endswith("0 faults\n")
        operator.run("sweep")
        assert orders(story) == before, "the bank executed it once"
