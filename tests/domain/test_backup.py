"""Backup and restore of the whole database, on SQLite and on PostgreSQL."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import models
from connectors.marks import FileMarks
from core.backup_file import BackupRefused, read_header
from core.clock import utcnow
from domain.common.services import Services, configure
from domain.operations import backups, integrity
from domain.operations.backups import RestoreRefused, Store
from domain.orders import restore_watch, submission
from domain.payments import holds
from domain.payments.release import release
from models import AuditEvent, Batch, BatchLine, Client, LostOrder, dialect, dumps, schema
from tests.conftest import POSTGRES, _name, on_server
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox

KEY = b"the key of backups, thirty-two characters"
ROOT = Path(__file__).parent.parent.parent

# Writes as long as it lives: each transaction adds an event to one client's log, and a client with its own first event.
WRITER = """
import sys
from pathlib import Path
import models
from tests.support.factories import make_world
from domain.common import audit
models.connect(sys.argv[1])
make_world("http://127.0.0.1:9", 9, Path(sys.argv[2]))
with models.database.connection_context():
    first = models.Client.select().first()
    for number in range(10_000_000):
        with models.transaction(first.id):
            audit.record_event(first.id, "test", "test.counted", f"number:{number}")
            models.Client.update(name=f"counted {number}").where(models.Client.id == first.id).execute()
        print(number, flush=True)
"""


@pytest.fixture
def store(database: str, tmp_path: Path) -> Store:
    (tmp_path / "home").mkdir(mode=0o700)
    return Store(database, tmp_path / "home", KEY)


@pytest.fixture
def elsewhere(store: Store, tmp_path: Path) -> Iterator[Store]:
    """An empty place to restore into; the program is connected to it."""
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    if POSTGRES:
        name = f"{_name(POSTGRES)}_restored"
        on_server(f'drop database if exists "{name}" with (force)')
        on_server(f'create database "{name}"')
        url = POSTGRES.rpartition("/")[0] + f"/{name}"
    yield Store(url, store.home, KEY)
    models.disconnect()
    models.connect(store.url)
    models.database.connect(reuse_if_open=True)
    if POSTGRES:
        on_server(f'drop database if exists "{_name(url)}" with (force)')


def back_up(store: Store, path: Path) -> Path:
    backups.back_up_into(store, path)
    return path


def restore(store: Store, file: Path, replace: bool = False) -> backups.Restored:
    models.disconnect()
    models.connect(store.url)
    done = backups.restore(store, file, replace)
    models.database.connect(reuse_if_open=True)
    return done


def content() -> dict[str, list[tuple]]:
    """Every row of every table, except those that a restore touches: it adds a hold, and makes questions due."""
    skipped = {"payment_hold", "audit_event", "client", "payroll_company", "bank_account", "row_statement",
               "row_register"}  # fmt: skip
    tables = [table._meta.table_name for table in models.TABLES]
    return {
        name: sorted(models.database.execute_sql(f'select * from "{name}"').fetchall(), key=repr)
        for name in tables if name not in skipped
    }  # fmt: skip


def test_a_restored_database_has_every_row_and_is_held(demo: Demo, store: Store, elsewhere: Store, tmp_path: Path):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    before, at = content(), utcnow()
    file = back_up(store, tmp_path / "a.backup")
    assert file.stat().st_mode & 0o777 == 0o600
    done = restore(elsewhere, file)
    assert (content(), done.faults, done.migrated) == (before, [], [])
    assert at <= done.of <= utcnow()
    (hold,) = holds.active_holds()
    assert (hold.id, hold.cause, hold.known_until) == (done.hold.id, "restore", done.of)
    assert list(integrity.find_inconsistencies()) == []
    assert restore_watch.hold_if_no_witness_agrees() is None
    assert sorted(store.home.iterdir()) == [], "no copy is left"


def test_a_restored_database_sends_nothing(
    demo: Demo, sandbox: Sandbox, store: Store, elsewhere: Store, tmp_path: Path
):  # fmt: skip
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    restore(elsewhere, back_up(store, tmp_path / "a.backup"))
    submission.submit_order(batch.id)
    assert sandbox.control("GET", "orders") == []


def test_a_database_restored_without_any_command_is_noticed(
    demo: Demo, world: Services, sandbox: Sandbox, store: Store, elsewhere: Store
):
    """By pg_dump and pg_restore, or as a copied file; an order was sent since, and marks remember it."""
    configure(replace(world, marks=(FileMarks(store.home),)))
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    parts = list(dumps.dump(store.url, store.home))
    submission.submit_order(batch.id)
    assert len(sandbox.control("GET", "orders")) == 1
    models.disconnect()
    models.connect(elsewhere.url)
    if POSTGRES:
        dumps.restore_postgres(parts, elsewhere.url)
    else:
        dumps.write_aside(parts, Path(elsewhere.url.removeprefix("sqlite:///")))
    models.database.connect()
    assert Batch.get_by_id(batch.id).state == "approved"
    submission.submit_order(batch.id)
    assert [(row.cause, row.lifted_at) for row in holds.active_holds()] == [("restore", None)]
    assert LostOrder.get().msg_id == batch.reference
    assert len(sandbox.control("GET", "orders")) == 1


def test_a_backup_under_load_is_of_one_moment(
    demo: Demo, world: Services, store: Store, elsewhere: Store, tmp_path: Path, keys: Path
):
    """Another process writes all the time: the log is whole, its last event of the same transaction as the name."""
    for number in range(1, 6):
        demo.batch(number=number)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, store.url, str(keys)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        for _ in range(20):
            assert writer.stdout.readline()
        numbers = []
        for number in range(3):
            file = back_up(store, tmp_path / f"{number}.backup")
            numbers.append(int(writer.stdout.readline()))
        assert writer.poll() is None, "it was writing all the while"
    finally:
        writer.kill()
        writer.wait()
    done = restore(elsewhere, file)
    assert done.faults == []
    counted = AuditEvent.select().where(AuditEvent.kind == "test.counted")
    last = counted.order_by(AuditEvent.id.desc()).first()
    assert last is not None and Client.get_by_id(demo.client.id).name == f"counted {last.subject.partition(':')[2]}"
    assert counted.count() == int(last.subject.partition(":")[2]) + 1 > 20
    assert (Batch.select().count(), BatchLine.select().count()) == (5, 15)


@pytest.mark.asks_payees  # nothing was answered before there were answers
def test_an_older_backup_is_migrated(demo: Demo, store: Store, elsewhere: Store, tmp_path: Path):
    demo.batch()
    newest = schema.known_migrations()[-1]
    new = ("excess_allowance", "lost_order", "payment_hold", "name_confirmation", "row_statement", "row_register",
           "payee_answer", "line_verdict", "line_doubt", "early_name_check", "name_check_task",
           "email_change")  # fmt: skip
    for table in new:
        models.database.execute_sql(f'drop table "{table}"')
    for index in ("batch_state_state_changed_at", "given_up_mail", "given_up_push", "disputed_order_line"):
        models.database.execute_sql(f'drop index "{index}"')
    dialect.drop_triggers()
    for column in ("payroll_run.redacted_at", "user_account.removed_at", "bank_order.retry_days", "bank_order.signing",
                   "client.ends_at", "client.state", "client.payees_asked_by_other", "client.usual_span_percent",
                   "payroll_company.payday", "payroll_company.payday_checked_on", "batch_line.person_group",
                   "batch_line.place", "batch_line.paid_for", "payroll_run.pay_by", "payroll_run.pay_by_checked_on",
                   "release.changes", "approval.changes"):  # fmt: skip
        table, name = column.split(".")
        models.database.execute_sql(f'alter table "{table}" drop column "{name}"')
    mark = models.database.obj.param
    models.database.execute_sql(f"delete from schema_migration where name >= {mark}", ("0010",))
    try:
        done = restore(elsewhere, back_up(store, tmp_path / "a.backup"))
        assert done.migrated[-1] == newest and done.faults == []
        assert Batch.select().count() == 1
    finally:
        models.disconnect()
        models.connect(store.url)
        models.migrate()
        models.database.connect(reuse_if_open=True)


def test_a_backup_of_a_newer_version_is_refused(demo: Demo, store: Store, elsewhere: Store, tmp_path: Path):
    mark = models.database.obj.param
    query = f"insert into schema_migration (name, applied) values ({mark}, {mark})"
    models.database.execute_sql(query, ("9999_tomorrow", "2026-12-01 00:00:00"))
    try:
        file = back_up(store, tmp_path / "a.backup")
        with pytest.raises(BackupRefused, match=r"newer version .* does not know 9999_tomorrow"):
            restore(elsewhere, file)
        models.database.connect(reuse_if_open=True)
        assert dumps.is_empty()
    finally:
        models.disconnect()
        models.connect(store.url)
        models.database.connect(reuse_if_open=True)
        models.database.execute_sql(f"delete from schema_migration where name = {mark}", ("9999_tomorrow",))


@pytest.mark.parametrize("damage", ["flipped", "cut off", "another key", "no backup"])
def test_a_damaged_backup_changes_nothing(
    demo: Demo, store: Store, elsewhere: Store, tmp_path: Path, damage: str
):  # fmt: skip
    demo.batch()
    file = back_up(store, tmp_path / "a.backup")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[-100] ^= 1
    elif damage == "cut off":
        del data[-1000:]
    elif damage == "no backup":
        data = bytearray(b"SQLite format 3\0" * 100)
    file.write_bytes(data)
    target = Store(elsewhere.url, elsewhere.home, b"x" * 40) if damage == "another key" else elsewhere
    with pytest.raises(BackupRefused):
        restore(target, file)
    models.database.connect(reuse_if_open=True)
    assert dumps.is_empty()


def test_a_database_with_rows_is_not_overwritten(demo: Demo, store: Store, tmp_path: Path):
    file = back_up(store, tmp_path / "a.backup")
    with pytest.raises(RestoreRefused, match="not empty"):
        restore(store, file)
    models.database.connect(reuse_if_open=True)
    assert Client.select().count() == 1 and holds.active_holds() == []


def test_a_backup_is_not_written_over_a_file_and_leaves_no_part(demo: Demo, store: Store, tmp_path: Path):
    folder = tmp_path / "backups"
    folder.mkdir()
    file = back_up(store, folder / "a.backup")
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        back_up(store, file)
    assert (file.read_bytes(), list(folder.iterdir())) == (before, [file])


def test_the_header_says_what_is_in_the_backup_and_names_nobody(demo: Demo, store: Store, tmp_path: Path):
    file = back_up(store, tmp_path / "a.backup")
    with open(file, "rb") as opened:
        header, _ = read_header(opened)
    assert header["migrations"] == schema.known_migrations() and header["database"] == dumps.kind()
    assert header["logs"] == Client.select().count() - Client.select().where(Client.log_head.is_null()).count()
    assert demo.client.name not in json.dumps(header) and demo.client.public_id.encode() not in file.read_bytes()


# --- killed ----------------------------------------------------------------------------------------
RESTORER = """
import os, signal, sys
from pathlib import Path
import models
from connectors.marks import FileMarks
from dataclasses import replace
from domain.common.services import configure
from domain.operations import backups
from domain.orders import restore_watch
from models import dumps
from tests.support.factories import make_world
url, home, file, point, keys = sys.argv[1:]
models.connect(url)
configure(replace(make_world("http://127.0.0.1:9", 9, Path(keys)), marks=(FileMarks(Path(home)),)))
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
def after(call):
    def done(*given, **named):
        call(*given, **named)
        killed()
    return done
module, name = {"write": (dumps, "write_aside"), "migrate": (models, "migrate"),
                "hold": (restore_watch, "hold_restored"), "fold": (dumps, "fold_log"), "place": (dumps, "put_in_place"),
                "fill": (dumps, "restore_postgres")}[point.split()[1]]
call = getattr(module, name)
setattr(module, name, killed if point.startswith("before") else after(call))
backups.restore(backups.Store(url, Path(home), b"the key of backups, thirty-two characters"), Path(file), replace=True)
"""
POINTS = (
    ("before fill", "after fill", "before migrate", "after migrate", "after hold") if POSTGRES else
    ("before write", "after write", "after migrate", "after hold", "before place", "after place")
)  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_a_restore_that_is_killed_leaves_the_old_one_or_the_new_one(
    demo: Demo, world: Services, store: Store, elsewhere: Store, tmp_path: Path, keys: Path, point: str
):
    """And the new one is held, also where nobody had placed the hold yet; so is the old one, right before the end."""
    demo.batch()
    file = back_up(store, tmp_path / "a.backup")
    demo.batch(number=2)
    into = elsewhere if POSTGRES else store
    models.disconnect()
    run = subprocess.run(
        [sys.executable, "-c", RESTORER, into.url, str(into.home), str(file), point, str(keys)], cwd=ROOT, timeout=120
    )
    assert run.returncode == -signal.SIGKILL
    configure(replace(world, marks=(FileMarks(into.home),)))
    models.connect(into.url)
    models.database.connect(reuse_if_open=True)
    if POSTGRES and point == "before fill":
        assert dumps.is_empty()
        return
    is_new = POSTGRES or point == "after place"
    assert Batch.select().count() == (1 if is_new else 2)
    if POSTGRES:  # as the release does before anything serves
        models.database.close()
        models.migrate()
        models.database.connect(reuse_if_open=True)
    restore_watch.hold_if_no_witness_agrees()
    assert len(holds.active_holds()) == (1 if is_new or point == "before place" else 0)
    assert list(integrity.find_inconsistencies()) == []


def test_a_backup_that_is_killed_leaves_no_file_of_its_name(demo: Demo, store: Store, tmp_path: Path):
    for number in range(1, 30):
        demo.batch(number=number)
    code = (
        "import sys, os, signal; from pathlib import Path; import models; from domain.operations import backups\n"
        "import domain.operations.backups as module\n"
        "def cut(target, key, header, content):\n"
        "    target.write(b'half'); target.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "module.write_backup = cut\n"
        "models.connect(sys.argv[1]); models.database.connect()\n"
        "backups.back_up_into(backups.Store(sys.argv[1], Path(sys.argv[2]), b'k' * 40), Path(sys.argv[3]))\n"
    )
    target = tmp_path / "a.backup"
    run = subprocess.run([sys.executable, "-c", code, store.url, str(store.home), str(target)], cwd=ROOT, timeout=60)
    assert (run.returncode, target.exists()) == (-signal.SIGKILL, False)


# --- what differs between the two ------------------------------------------------------------------
@pytest.mark.skipif(bool(POSTGRES), reason="PostgreSQL's database is made by its administrator")
def test_a_database_in_use_is_not_replaced(demo: Demo, store: Store, tmp_path: Path):
    file = back_up(store, tmp_path / "a.backup")
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1])\n"
        "c.execute('select count(*) from client').fetchone()\n"
        "print('open', flush=True); time.sleep(60)"
    )
    path = store.url.removeprefix("sqlite:///")
    other = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline()
        with pytest.raises(dumps.DumpFailed, match="in use"):
            restore(store, file, replace=True)
    finally:
        other.kill()
        other.wait()
    models.database.connect(reuse_if_open=True)
    assert holds.active_holds() == []


@pytest.mark.skipif(bool(POSTGRES), reason="PostgreSQL's database is made by its administrator")
def test_a_replaced_database_is_the_backup(demo: Demo, store: Store, tmp_path: Path):
    demo.batch()
    file = back_up(store, tmp_path / "a.backup")
    demo.batch(number=2)
    restore(store, file, replace=True)
    assert Batch.select().count() == 1 and len(holds.active_holds()) == 1
    left = [path.name for path in tmp_path.iterdir() if "restoring" in path.name]
    assert left == []


def test_the_password_of_postgresql_is_not_on_the_command_line():
    told, password = dumps._connection("postgresql://us%40er:p%40ss@db.example:5433/bizcuit?sslmode=require")
    assert password == "p@ss" and "p@ss" not in told
    assert set(told.split()) == {"host=db.example", "port=5433", "user=us@er", "dbname=bizcuit", "sslmode=require"}


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(dumps.DumpFailed, match="pg_never is not installed"):
        dumps._path_of("pg_never")


@pytest.mark.skipif(not POSTGRES, reason="of PostgreSQL")
def test_a_server_that_is_away_is_told_in_a_line(demo: Demo, store: Store, tmp_path: Path):
    away = Store(POSTGRES.rpartition("/")[0] + "/nowhere", store.home, KEY)
    with pytest.raises(dumps.DumpFailed, match=r"pg_dump failed: .*nowhere"):
        back_up(away, tmp_path / "a.backup")
    assert not (tmp_path / "a.backup").exists()
