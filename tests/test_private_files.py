"""Files that others must not read: their modes, and what is left alone."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.private_files import OURS, keep_private, make_private_database, private_opener
from models.dialect import database_at


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """The worst umask: new files are open to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_database_is_private_from_its_first_byte(tmp_path: Path):
    real = database_at(f"sqlite:///{tmp_path / 'new.db'}")
    real.execute_sql("create table a (b int)")
    found = {path.name: mode(path) for path in tmp_path.iterdir()}
    real.close()
    assert found == {"new.db": 0o600, "new.db-wal": 0o600, "new.db-shm": 0o600}


def test_a_database_of_before_becomes_private(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    for suffix in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"old.db{suffix}").touch(0o666)
    make_private_database(tmp_path / "old.db")
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert "others could read what is now private" in caplog.text and "and 1 more" in caplog.text


def test_a_second_connection_leaves_the_locks_of_the_first(tmp_path: Path):
    """Closing a file releases all locks that the process has on it, so no other than SQLite may open it."""
    path = tmp_path / "locked.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        first.execute("create table a (b int)")
        first.execute("begin immediate")
        make_private_database(path)
        code = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('begin immediate')"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr


def test_a_private_database_is_not_mentioned(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    make_private_database(tmp_path / "a.db")
    make_private_database(tmp_path / "a.db")
    assert caplog.text == ""


def test_a_home_of_before_becomes_private(tmp_path: Path):
    home = tmp_path / "home"
    for name in OURS:
        (home / name / "inner").mkdir(parents=True, mode=0o777)
        (home / name / "inner" / "file").touch(0o666)
    keep_private(home)
    assert {mode(path) for path in (home, *home.rglob("*")) if path.is_dir()} == {0o700}
    assert {mode(path) for path in home.rglob("*") if path.is_file()} == {0o600}


def test_files_of_others_in_the_home_keep_their_mode(tmp_path: Path):
    """Somebody may have named a folder of their own as the home."""
    (tmp_path / "home").mkdir()
    theirs = [tmp_path / "home" / "photos", tmp_path / "elsewhere"]
    for path in theirs:
        path.touch(0o644)
    (tmp_path / "home" / "secrets.json").symlink_to(tmp_path / "elsewhere")
    keep_private(tmp_path / "home")
    assert [mode(path) for path in theirs] == [0o644, 0o644]


def test_a_shared_folder_stays_shared(tmp_path: Path):
    """A home such as /tmp is entered by all."""
    tmp_path.chmod(0o1777)
    keep_private(tmp_path)
    assert mode(tmp_path) == 0o777


def test_what_is_written_afterwards_is_private(tmp_path: Path):
    keep_private(tmp_path / "absent")
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert (mode(tmp_path / "file"), mode(tmp_path / "folder")) == (0o600, 0o700)


def test_a_file_is_private_whatever_the_umask(tmp_path: Path):
    with open(tmp_path / "file", "w", opener=private_opener):
        assert mode(tmp_path / "file") == 0o600
