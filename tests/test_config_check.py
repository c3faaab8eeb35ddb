"""`flask check-config`: unknown names are told, and with --connect whether everything that is named answers."""

import subprocess
import sys
from pathlib import Path

import pytest

import models
from tests.support.production_settings import complete
from tests.support.queue_server import running_queue

ROOT = Path(__file__).parent.parent


def check(home: Path, *options: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command with complete settings of production and these differences."""
    given = {f"BIZCUIT_{name}": text for name, text in changes.items()}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "check-config", *options], cwd=ROOT,
        env={"PATH": "", **complete(), "BIZCUIT_HOME": str(home), **given}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_a_misspelt_setting_is_named_with_the_one_that_is_meant(tmp_path: Path):
    done = check(tmp_path, LIMIT_DAY_CENT="1", PROXIES_FLIE="/x", OPERATOR_TOKEN="not of the service")
    assert (done.returncode, done.stdout.splitlines()) == (1, [
        "BIZCUIT_LIMIT_DAY_CENT is no setting; is BIZCUIT_LIMIT_DAY_CENTS meant?",
        "BIZCUIT_PROXIES_FLIE is no setting; is BIZCUIT_PROXIES meant?",
    ])  # fmt: skip


def test_a_misspelt_setting_is_named_beside_the_one_that_is_missing(tmp_path: Path):
    done = check(tmp_path, KVK_KEY="", KVK_KEYS="l7xx1f2691f2520d")
    assert (done.returncode, done.stderr.splitlines()) == (1, [
        "BIZCUIT_KVK_KEY is not set", "BIZCUIT_KVK_KEYS is no setting; is BIZCUIT_KVK_KEY meant?",
    ])  # fmt: skip


def test_nothing_is_connected_to_unless_asked(tmp_path: Path):
    done = check(tmp_path, DATABASE_URL="postgresql://us:kD7wqZ1r@127.0.0.1:1/pay", REDIS_URL="redis://127.0.0.1:1/0")
    assert (done.returncode, done.stdout) == (0, "settings are complete\n")


def test_everything_that_does_not_answer_is_named_at_once(tmp_path: Path):
    done = check(
        tmp_path / "none", "--connect", DATABASE_URL="postgresql://us:kD7wqZ1r@127.0.0.1:1/pay",
        REDIS_URL="redis://:kD8wqZ1r@127.0.0.1:1/0", AUDIT_ANCHORS=str(tmp_path / "away" / "heads.jsonl"),
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "BIZCUIT_HOME", "BIZCUIT_AUDIT_ANCHORS", "BIZCUIT_DATABASE_URL", "BIZCUIT_REDIS_URL"
    ]  # fmt: skip
    assert "Connection refused" in lines[2] and "Connection refused" in lines[3]
    assert (done.returncode, done.stderr) == (1, "")
    assert "wqZ1r" not in done.stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bizcuit.db"


def test_all_that_answers_is_said_to(tmp_path: Path, file: Path):
    models.connect(f"sqlite:///{file}")
    models.migrate()
    models.disconnect()
    with running_queue(tmp_path) as (_, socket):
        done = check(tmp_path, "--connect", DATABASE_URL=f"sqlite:///{file}", REDIS_URL=f"unix://{socket}")
    assert (done.returncode, done.stdout) == (0, "settings are complete\ndatabase, queue and folders answer\n")


def test_missing_tables_are_named_and_no_database_is_made(tmp_path: Path, file: Path):
    def said() -> str:
        done = check(tmp_path, "--connect", DATABASE_URL=f"sqlite:///{file}", REDIS_URL="redis://127.0.0.1:1/0")
        return done.stdout.splitlines()[0]

    assert said() == "BIZCUIT_DATABASE_URL: there is no database yet: run flask --app app migrate"
    assert not file.exists()
    file.touch()
    assert "migrations are missing (0001_schema, " in said()
