"""Migrations lead to the tables of the models, keep rows, and reject a database from before the first release."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import peewee
import pytest
from click.testing import CliRunner

import models
from commands import program
from models import DatabaseTooOld, schema
from models.dialect import is_postgres, is_sqlite
from tests.conftest import LONG, POSTGRES
from tests.support import figures
from tests.support.kill_places import DIED, Places
from tools import migrate as launcher_step

SECOND = '''
from models.schema import run_script

def up(migrator, db):
    run_script("""
ALTER TABLE "client" ADD COLUMN "nickname" TEXT;
CREATE TABLE "later" (
  "id" SERIAL NOT NULL PRIMARY KEY,
  "seen" BOOLEAN NOT NULL,
  "body" BYTEA NOT NULL
);
""")
'''


def rows(query: str, *values: object) -> list[tuple]:
    mark = "?" if is_sqlite() else "%s"
    return list(models.database.execute_sql(query.replace("?", mark), values).fetchall())


def table_names() -> list[str]:
    return sorted(models.database.get_tables())


@pytest.fixture
def empty(database: str, tmp_path: Path) -> Iterator[None]:
    """An empty database, open in this thread."""
    models.database.close()
    if is_sqlite():
        models.connect(f"sqlite:///{tmp_path / 'empty.db'}")
    models.database.connect()
    _drop_everything()
    yield
    if is_postgres():
        _drop_everything()
        models.database.close()
        models.migrate()


def _drop_everything() -> None:
    if is_postgres():
        models.database.execute_sql("drop schema public cascade")
        models.database.execute_sql("create schema public")


@pytest.fixture
def from_before(empty: None) -> list[tuple]:
    """A database with the migrations from before the first release. Returns its rows."""
    for statement in (
        "create table schema_migration (id integer primary key, name varchar(255), applied timestamp)",
        "insert into schema_migration values (1, '0001_initial', '2026-11-20'), (2, '0002_nmbrs', '2026-11-21')",
        "create table client (id integer primary key, name text)",
        "insert into client values (7, 'Demo BV')",
    ):
        models.database.execute_sql(statement)
    models.database.close()
    return [(1, "0001_initial"), (2, "0002_nmbrs"), (7, "Demo BV")]


def test_an_old_database_is_refused_and_left_untouched(from_before: list[tuple]):
    file = Path(models.database.obj.database)
    bytes_before = file.read_bytes() if is_sqlite() else b""
    for _twice in range(2):
        with pytest.raises(DatabaseTooOld, match=r"Move it away .* BIZCUIT_DATABASE_URL, and start with an empty"):
            models.migrate()
    assert bytes_before == (file.read_bytes() if is_sqlite() else b"")
    models.database.connect(reuse_if_open=True)
    assert table_names() == ["client", "schema_migration"]
    assert rows("select id, name from schema_migration order by id") + rows("select * from client") == from_before


def test_the_command_shows_the_refusal_without_traceback(from_before: list[tuple]):
    answer = CliRunner().invoke(program.migrate)
    assert answer.exit_code == 1
    assert answer.output.startswith("Error: This database was made by a version of Bizcuit from before")
    assert "Traceback" not in answer.output


def test_the_launcher_shows_the_refusal(from_before: list[tuple], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(models, "connect", lambda url: None)
    with pytest.raises(SystemExit, match="This database was made by a version of Bizcuit from before"):
        launcher_step.main()


def test_a_later_migration_works_on_both_databases_and_keeps_rows(
    empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "migrations"
    shutil.copytree(schema._DIRECTORY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(schema, "_DIRECTORY", str(folder))
    first = [path.stem for path in sorted(folder.glob("0*.py"))]
    models.database.close()
    assert models.migrate() == first
    client = models.Client.create(public_id="c1", name="Demo BV", kvk_number="68750110")

    (folder / "0999_later.py").write_text(SECOND, "utf-8")
    models.database.close()
    assert models.migrate() == ["0999_later"]
    assert models.migrate() == []
    models.database.connect(reuse_if_open=True)
    assert rows("select id, name, nickname from client") == [(client.id, "Demo BV", None)]
    models.database.execute_sql(f"insert into later (seen, body) values ({'1' if is_sqlite() else 'true'}, 'x')")
    assert rows("select id from later") == [(1,)]


def test_a_failed_migration_leaves_nothing_behind(
    empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "0001_half.py").write_text(SECOND.replace('ALTER TABLE "client"', 'ALTER TABLE "nobody"'), "utf-8")
    monkeypatch.setattr(schema, "_DIRECTORY", str(tmp_path))
    models.database.close()
    with pytest.raises(peewee.DatabaseError):
        models.migrate()
    models.database.connect(reuse_if_open=True)
    assert table_names() == ["schema_migration"]
    assert rows("select count(*) from schema_migration") == [(0,)]


def _migrate_and_die(url: str, folder: Path, place: int) -> tuple[int, int]:
    """Migrate in a process that is killed at this place. Returns how it ended, and the places that it came by."""
    models.disconnect()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        places = Places(place)
        try:
            models.connect(url)
            places.watch(folder, {})
            models.migrate()
            os.write(write, str(len(places.kinds)).encode())
        finally:
            os._exit(0 if places.kinds else 1)  # never return into the test
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(told or 0)


def test_a_migration_that_was_killed_anywhere_is_finished_by_the_next(empty: None, tmp_path: Path):
    """Two places in `make test`, every place in `make test-long`."""

    def begin(number: int) -> str:
        models.disconnect()
        url = POSTGRES or f"sqlite:///{tmp_path / f'killed{number}.db'}"
        models.connect(url)
        models.database.connect()
        _drop_everything()
        return url

    code, count = _migrate_and_die(begin(0), tmp_path, 0)
    models.database.connect()
    whole, known = shape(), schema.applied_migrations()
    assert code == 0 and count > len(known) == len(schema.known_migrations())
    for place in range(1, count + 1) if LONG else (count // 2, count - 1):
        assert _migrate_and_die(begin(place), tmp_path, place)[0] == DIED
        models.migrate()
        models.database.connect(reuse_if_open=True)
        assert (shape(), schema.applied_migrations()) == (whole, known), place
        figures.add(kills=1)


# --- comparison with the models -----------------------------------------------------------------------------
def test_the_migrated_tables_equal_the_models(database: str, empty: None):
    models.database.close()
    models.migrate()
    models.database.connect(reuse_if_open=True)
    migrated = shape()
    if is_postgres():
        _drop_everything()
    else:
        models.connect("sqlite:///:memory:")
    models.database.create_tables(models.TABLES)
    declared = shape()
    assert migrated.keys() == declared.keys()
    for name, parts in declared.items():
        assert migrated[name] == parts, name


def shape() -> dict[str, dict]:
    """Return the columns (nullable or not), indexes, foreign keys and checks of each table."""
    found = {}
    for name in table_names():
        if name != "schema_migration":
            columns = {column.name: column.null for column in models.database.get_columns(name)}
            indexes = {(tuple(one.columns), one.unique, one.name) for one in models.database.get_indexes(name)
                       if not one.name.startswith("sqlite_autoindex")}  # fmt: skip
            found[name] = {"columns": columns, "indexes": indexes, "constraints": _constraints(name)}
    return found


def _constraints(table: str) -> list[str]:
    if is_postgres():
        defined = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = ?::regclass"
        return sorted(text for (text,) in rows(defined, table))
    keys = [str(key[2:7]) for key in rows(f"pragma foreign_key_list({table})")]
    ((text,),) = rows("select sql from sqlite_master where name = ?", table)
    return sorted(keys + _checks(re.sub(r"\s+", " ", text)))


def _checks(text: str) -> list[str]:
    """Return the condition of each CHECK."""
    found = []
    for start in (one.end() for one in re.finditer(r"CHECK \(", text)):
        end, depth = start, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        found.append(text[start : end - 1])
    return found
