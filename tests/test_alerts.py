"""The alert rules fire on made-up trouble and not on a quiet day; rules and board use figures that are told."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
RULES, TESTS = (ROOT / "deploy" / "prometheus" / name for name in ("alerts.yml", "alerts_test.yml"))
BOARD = ROOT / "deploy" / "grafana" / "bizcuit.json"
PROMTOOL = shutil.which("promtool")
with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool (of the package prometheus) is not installed")


def rules() -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {one["alert"]: one for one in group["rules"]}


def expressions_of_the_board() -> list[str]:
    panels = json.loads(BOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def promtool(*words: str, folder: Path = RULES.parent) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *words], cwd=folder, capture_output=True, text=True, check=False)


def failing(folder: Path, **changes: object) -> set[str]:
    """Return the alerts whose tests fail when every rule is changed so."""
    changed = yaml.safe_load(RULES.read_text("utf-8"))
    for rule in changed["groups"][0]["rules"]:
        rule.update(changes)
    (folder / RULES.name).write_text(yaml.safe_dump(changed))
    (folder / TESTS.name).write_text(TESTS.read_text("utf-8"))
    done = promtool("test", "rules", TESTS.name, folder=folder)
    return set(re.findall(r"alertname: ?(\w+)", done.stdout + done.stderr))


def test_each_rule_says_what_is_wrong_and_what_to_do():
    assert len(rules()) >= 10
    for name, rule in rules().items():
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert rule["annotations"].keys() == {"summary", "action"}, name


def test_each_rule_has_made_up_trouble_and_a_moment_without():
    cases = [one for group in yaml.safe_load(TESTS.read_text("utf-8"))["tests"] for one in group["alert_rule_test"]]
    fires = {one["alertname"] for one in cases if one.get("exp_alerts")}
    quiet = {one["alertname"] for one in cases if not one.get("exp_alerts")}
    assert fires == quiet == set(rules())


def test_rules_and_board_use_figures_that_are_told():
    """What is told is what the page about monitoring lists: tests/domain/test_queue_figures.py."""
    page = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(bizcuit_\w+)` \|", page, re.MULTILINE)) | {"bizcuit_call_seconds_bucket"}
    used = [*(rule["expr"] for rule in rules().values()), *expressions_of_the_board()]
    assert {name for text in used for name in re.findall(r"\bbizcuit_\w+", text)} <= told


def test_the_board_shows_every_figure():
    page = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    shown = " ".join(expressions_of_the_board())
    left_out = {name for name in re.findall(r"^\| `(bizcuit_\w+)` \|", page, re.MULTILINE) if name not in shown}
    assert left_out == {"bizcuit_last_failure_timestamp_seconds", "bizcuit_last_answer_timestamp_seconds"}


@with_promtool
def test_trouble_fires_and_a_quiet_day_does_not():
    done = promtool("test", "rules", TESTS.name)
    assert done.returncode == 0, done.stdout + done.stderr


@with_promtool
@pytest.mark.parametrize(
    "changes", [{"expr": "vector(1) > 2"}, {"expr": "vector(1)", "for": "0s"}], ids=["never", "always"]
)
def test_a_rule_that_never_or_always_fires_fails_its_test(changes: dict[str, str], tmp_path: Path):
    assert failing(tmp_path, **changes) == set(rules())


@with_promtool
def test_the_expressions_of_the_board_can_be_read(tmp_path: Path):
    made = [{"record": f"board:{number}", "expr": text} for number, text in enumerate(expressions_of_the_board())]
    (tmp_path / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": made}]}))
    done = promtool("check", "rules", "board.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
