"""The command line for holds, backups and what follows a restore, in the words that operators read."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

import commands
import models
from core.clock import utcnow
from domain.orders import restore_watch
from domain.payments.release import release
from models import PaymentHold
from tests.support.factories import PSU, Demo


@pytest.fixture
def app(demo: Demo, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setenv("BIZCUIT_ENV", "development")
    monkeypatch.setenv("BIZCUIT_HOME", str(tmp_path))
    monkeypatch.setenv("BIZCUIT_DATABASE_URL", database)
    monkeypatch.delenv("BIZCUIT_OPERATOR_TOKEN", raising=False)
    made = Flask("test")
    commands.register(made)
    return made


def run(app: Flask, *words: str, code: int = 0) -> Result:
    models.database.close()
    done = app.test_cli_runner().invoke(args=list(words))
    models.database.connect(reuse_if_open=True)
    assert done.exit_code == code, done.output
    return done


def test_a_hold_is_listed_with_what_waits_and_lifted(demo: Demo, app: Flask):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert "hold 1 is in force" in run(app, "hold", "all", "--reason", "Onderhoud", "--by", "Olga").output
    listed = run(app, "hold", "list").output
    assert listed.startswith("1  all  since ") and "by olga  Onderhoud  1 payments wait, EUR 8.559,16" in listed
    assert run(app, "hold", "lift", "1", "--reason", "over", "--by", "olga").output == "hold 1 is lifted\n"
    assert run(app, "hold", "list").output == ""
    assert "not found" in run(app, "hold", "lift", "1", "--reason", "over", code=1).output
    assert "not found" in run(app, "hold", "client", "nobody", "--reason", "x", code=1).output


def test_a_reason_with_characters_that_nobody_sees_is_refused(demo: Demo, app: Flask):
    run(app, "hold", "all", "--reason", "Onder\u202ehoud", code=2)
    assert PaymentHold.select().count() == 0


def test_what_was_not_asked_is_named(demo: Demo, app: Flask):
    restore_watch.hold_restored(utcnow())
    told = run(app, "restore-check").output
    assert f"{demo.client.public_id}  Nmbrs  company 9969: NOT ASKED, not asked yet" in told
    assert "NOT ASKED, the holder of the account is not confirmed" in told
    assert told.endswith("2 not asked\n")


def test_a_backup_and_its_restore(demo: Demo, app: Flask, tmp_path: Path):
    file = tmp_path / "a.backup"
    assert "backed up" in run(app, "backup", str(file)).output
    assert "never written over" in run(app, "backup", str(file), code=1).output
    assert "the database is not empty" in run(app, "restore", str(file), code=1).output
    (tmp_path / "b.backup").write_bytes(b"nothing")
    assert "this is no backup of Bizcuit" in run(app, "restore", str(tmp_path / "b.backup"), code=1).output
    assert PaymentHold.select().count() == 0
