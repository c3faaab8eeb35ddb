"""While the database is locked, full or restarted, every page says so and asks to try again; nothing is half done."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from peewee import PeeweeException

import models
from domain.operations import integrity
from models import AuditEvent, Batch, BatchLine, WebauthnChallenge, database
from tests.conftest import POSTGRES, on_server
from tests.support.factories import Demo
from tests.support.web_client import Page, WebClient

only_files = pytest.mark.skipif(bool(POSTGRES), reason="a fault of SQLite")


@contextmanager
def locked() -> Iterator[None]:
    """Another process writes, for longer than the program waits."""
    with closing(sqlite3.connect(database.obj.database)) as other:
        database.execute_sql("pragma busy_timeout = 20")
        other.execute("begin immediate")
        yield
        other.rollback()


@contextmanager
def full() -> Iterator[None]:
    """No page can be added to the file, and the free ones are used up."""
    (pages,) = database.execute_sql("pragma page_count").fetchone()
    database.execute_sql(f"pragma max_page_count = {pages}")
    yield
    database.execute_sql("pragma max_page_count = 1073741823")


def strike(owner: WebClient, demo: Demo, batch: Batch, back: bool) -> Page:
    line = BatchLine.get(BatchLine.batch == batch.id)
    path = f"/{demo.client.public_id}/betalingen/{batch.reference}/regels/{line.id}"
    return owner.post(f"{path}?verdict={'accept' if back else 'refuse'}")


def rows(batch: Batch) -> tuple[str, int]:
    """Return what a strike changes: the line and the log."""
    events = AuditEvent.select().where(AuditEvent.client == batch.client_id).count()
    return BatchLine.get(BatchLine.batch == batch.id).state, events


def require_later(page: Page) -> None:
    assert (page.status_code, page.headers["Retry-After"]) == (503, "60")
    assert "Bizcuit is tijdelijk niet bereikbaar" in page.html
    assert "Doe tot die tijd niets opnieuw." in page.html


@only_files
def test_a_locked_database(owner: WebClient, demo: Demo):
    batch = demo.batch()
    before = rows(batch)
    with locked():
        require_later(strike(owner, demo, batch, back=False))
        require_later(owner.get(f"/{demo.client.public_id}/overzicht"))
    assert rows(batch) == before
    assert strike(owner, demo, batch, back=False).status_code < 400
    assert rows(batch) == ("excluded", before[1] + 1)


@only_files
def test_a_full_disk(owner: WebClient, demo: Demo):
    batch = demo.batch()
    with full():
        for number in range(400):  # until the free pages are used up
            before = rows(batch)
            page = strike(owner, demo, batch, back=bool(number % 2))
            if page.status_code >= 400:
                break
        require_later(page)
        assert rows(batch) == before
    assert strike(owner, demo, batch, back=bool(number % 2)).status_code < 400
    assert rows(batch)[1] == before[1] + 1
    assert list(integrity.find_inconsistencies()) == []


@pytest.mark.skipif(not POSTGRES, reason="a server that is restarted")
def test_a_restarted_server(owner: WebClient, demo: Demo):
    """Its connections are gone: one request is told so, the next one works."""
    batch = demo.batch()
    name = POSTGRES.rpartition("/")[2]
    on_server("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
              name)  # fmt: skip
    require_later(owner.get(f"/{demo.client.public_id}/betalingen/{batch.reference}"))
    assert owner.get(f"/{demo.client.public_id}/betalingen/{batch.reference}").status_code == 200


def test_probes_answer_without_a_database(charlie: WebClient, tmp_path: Path):
    whole = database.obj
    models.connect(f"sqlite:///{tmp_path / 'no' / 'such.db'}" if not POSTGRES else "postgresql://127.0.0.1:9/none")
    try:
        assert charlie.client.get("/healthz").status_code == 200
        assert charlie.client.get("/readyz").json == {"ready": False, "missing": ["database", "queue"]}
        require_later(charlie.get("/inloggen"))
    finally:
        database.initialize(whole)


def rename(name: str, other: str) -> None:
    """Rename a migration among those that the database has."""
    mark = database.obj.param
    database.execute_sql(f"update schema_migration set name = {mark} where name = {mark}", (other, name))


def test_a_database_without_tables_of_this_version_is_not_ready(charlie: WebClient):
    """It names what is missing; a migration of a newer version, which the database has, is not asked for."""
    newest = models.known_migrations()[-1]
    rename(newest, "9999_newer")
    try:
        answer = charlie.client.get("/readyz")
        told = {"ready": False, "missing": ["migrations", "queue"], "migrations": [newest]}
        assert (answer.status_code, answer.json) == (503, told)
    finally:
        rename("9999_newer", newest)
    assert charlie.client.get("/readyz").json == {"ready": False, "missing": ["queue"]}


def test_an_error_of_our_own_is_no_excuse(owner: WebClient, demo: Demo):
    database.execute_sql("alter table webauthn_challenge rename to elsewhere")
    try:
        with pytest.raises(PeeweeException) as caught:
            WebauthnChallenge.select().count()
    finally:
        if database.in_transaction():
            database.rollback()
        database.execute_sql("alter table elsewhere rename to webauthn_challenge")
    assert not models.is_unavailable(caught.value)
