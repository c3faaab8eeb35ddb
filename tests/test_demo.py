"""`make demo` walks the whole main job and says so in its last line; a step that fails is named."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import demo
from tools.demo_journey import ONBOARDING, PAYING, DemoJourney
from tools.dev_stack import ROOT, Ports, Stack


def test_the_whole_job_ends_executed():
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == "executed 8/8 EUR 19806.08"
    assert len(lines) == len(ONBOARDING) + len(PAYING)


@pytest.mark.thorough
def test_the_whole_job_ends_executed_on_the_servers_of_the_run(
    tmp_path: Path, house_environ: Callable[[], dict[str, str]], capsys: pytest.CaptureFixture[str]
):
    """On PostgreSQL and Redis in .ci/run: the demo above starts embedded parts of its own."""
    with Stack(tmp_path, environ=house_environ(), notice=print) as stack:
        assert demo.walk(DemoJourney(stack.base_url, stack.sandbox_url)) == 0
    assert "executed 8/8 EUR 19806.08" in capsys.readouterr().out


def test_a_step_that_fails_is_named(house: Stack, capsys: pytest.CaptureFixture[str]):
    nobody_there = f"http://127.0.0.1:{Ports.free().web}"
    assert demo.walk(DemoJourney(nobody_there, house.sandbox_url)) == 1
    assert re.match(r"failed at register: .*refused", capsys.readouterr().err)
