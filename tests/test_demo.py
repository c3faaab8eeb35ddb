"""`make demo` runs the main flow and prints the result in its last line; a failed step is named."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.mobile_page import entrepreneur
from tools import demo
from tools.demo_journey import ONBOARDING, PAYING, DemoJourney
from tools.dev_stack import ROOT, Ports, Stack

SECOND_ACCOUNT = "NL64 TRIO 0379 5016 86"
FREE_DAYS = """//*[@id='calendar']//label[contains(@class, 'day')][not(contains(@class, 'closed'))]
    [not(contains(@class, 'out'))]//input[@name='execution_date'][not(@disabled)]/@value"""


def test_the_main_flow_ends_executed():
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == "executed 8/8 EUR 19806.08"
    assert len(lines) == len(ONBOARDING) + len(PAYING)


@pytest.mark.thorough
def test_the_main_flow_ends_executed_on_servers(
    tmp_path: Path, house_environ: Callable[[], dict[str, str]], capsys: pytest.CaptureFixture[str]
):
    """In .ci/run on PostgreSQL and Redis; the demo above starts embedded parts."""
    with Stack(tmp_path, environ=house_environ(), notice=print) as stack:
        assert demo.walk(DemoJourney(stack.base_url, stack.sandbox_url)) == 0
    assert "executed 8/8 EUR 19806.08" in capsys.readouterr().out


def test_a_failed_step_is_named(house: Stack, capsys: pytest.CaptureFixture[str]):
    nobody_there = f"http://127.0.0.1:{Ports.free().web}"
    assert demo.walk(DemoJourney(nobody_there, house.sandbox_url)) == 1
    assert re.match(r"failed at register: .*refused", capsys.readouterr().err)


def test_date_and_account_can_be_changed_without_javascript(house: Stack):
    """Like the demo, with the change page: with forms and links only, so without JavaScript."""
    story = entrepreneur(house, "plain@demobv.example")
    story.run_payroll()
    story.check_accounts()
    day = change_day_and_account(story)
    story.approve()
    story.sign()
    assert story.execute() == "executed 8/8 EUR 19806.08"
    assert story.requested_date().isoformat() == day
    assert SECOND_ACCOUNT.replace(" ", "") in story.visitor.json("GET", f"{story.sandbox}/control/orders")[0]["body"]


def change_day_and_account(story: DemoJourney) -> str:
    """View the later weeks and return, choose the first later date and the other account; return the date."""
    page = story.shown().link("/wijzigen")
    here = page.tree.xpath("string(//*[@id='calendar']//*[@class='month']/b)")
    (chosen,) = page.tree.xpath("//input[@name='execution_date'][@checked]/@value")
    beyond = page.link("vanaf=")
    assert beyond.tree.xpath("string(//*[@id='calendar']//*[@class='month']/b)") != here
    page = beyond.link("vanaf=")
    assert page.tree.xpath("string(//*[@id='calendar']//*[@class='month']/b)") == here
    days = [day for day in page.tree.xpath(FREE_DAYS) if day > chosen]
    if not days:
        page, days = beyond, beyond.tree.xpath(FREE_DAYS)
    form = page.form("/wijzigen").choose(days[0]).choose(SECOND_ACCOUNT)
    story.payment = form.submit("Bevestig wijzigingen").expect_text("De betaling is aangepast.", "andere bankrekening")
    return days[0]
