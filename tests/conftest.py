"""Shared fixtures: a database, the running stack, a browser.

By default everything is embedded: SQLite files and the launcher's queue server. With BIZCUIT_TEST_DATABASE_URL and
BIZCUIT_TEST_REDIS_URL the same tests run on PostgreSQL and Redis. Each worker (pytest -n) has its own sandbox, stack
and, on PostgreSQL, database.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from argon2 import PasswordHasher
from hypothesis import settings

import models
from domain.accounts import passwords
from models import dialect
from tests.support import client_lock_guard, contract_report, figures, payees, prepared_guard, reference, timezone_guard
from tests.support.sandbox import Sandbox, sandbox_process
from tools import browser
from tools.dev_stack import Stack
from tools.http_browser import HttpBrowser


def _of_this_worker(url: str) -> str:
    """Return the URL with the worker's own database name, on a database server."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}_{worker}")) if url and worker else url


SERVER = os.environ.get("BIZCUIT_TEST_DATABASE_URL", "")
POSTGRES = _of_this_worker(SERVER)
REDIS = os.environ.get("BIZCUIT_TEST_REDIS_URL", "")
LONG = bool(os.environ.get("BIZCUIT_TEST_LONG"))

# Folders and files that depend on the database or queue: only these run again on servers (with BIZCUIT_TEST_LONG or a
# named file: everything requested). The rest does not depend on the SQL dialect.
OF_A_DATABASE = (
    "tests/domain/", "tests/long/", "tests/test_demo.py", "tests/test_token_secrecy.py", "tests/test_valkey.py",
    "/test_account.py", "/test_nmbrs_history.py", "/test_overview.py", "/test_payment_lists.py",
    "/test_balances.py", "/test_payment_page.py", "/test_database_away.py", "/test_killed_anywhere.py", "/test_team.py",
    "/test_transactions.py",
)  # fmt: skip

# No deadlines: a slow machine does not break the tested property.
settings.register_profile("short", deadline=None, max_examples=50)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("long" if LONG else "short")


# Where every sandbox of this run, also inside a stack, logs exchanges with its banks (see contract_report).
EXCHANGES = pytest.StashKey[tempfile.TemporaryDirectory]()
VERDICT = pytest.StashKey[contract_report.Verdict]()
# The figures of this run: how much was killed, broken and fed (tests/support/figures.py).
FIGURES = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Configure the run: cheap hashing and commits, a guard on every write, and one folder for exchanges.

    tests/test_production_costs.py checks that the product itself uses its own settings. The process that starts the
    workers creates the folder for all of them and checks it.
    """
    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords.DUMMY_HASH = passwords.hasher.hash("nobody signs in with this")
    dialect.PRAGMAS["synchronous"] = 0  # loses data only at a power cut, not at a killed process
    models.database.attach_callback(client_lock_guard.watch)
    models.database.attach_callback(timezone_guard.watch)
    prepared_guard.watch()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.stash[FIGURES] = figures.begin()
    if reference.is_here(reference.BANK_CONTRACT) and "PYTEST_XDIST_WORKER" not in os.environ:
        config.stash[EXCHANGES] = tempfile.TemporaryDirectory(prefix="exchanges-")
        os.environ["SANDBOX_EXCHANGES"] = config.stash[EXCHANGES].name


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Check every exchange with a bank of the whole run against the OpenAPI; a violation fails the run."""
    _require_reference_data(session)
    if EXCHANGES not in session.config.stash:
        return
    with session.config.stash[EXCHANGES] as folder:
        verdict = session.config.stash[VERDICT] = contract_report.judged(Path(folder))
    if verdict.violations and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _not_checked(config: pytest.Config) -> str:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reference.summary(reference.left_out(reporter.stats)) if reporter else ""


def _require_reference_data(session: pytest.Session) -> None:
    """Fail the run if tests were skipped although all are required (BIZCUIT_REQUIRE_SPECS)."""
    if reference.REQUIRED and session.exitstatus == pytest.ExitCode.OK and _not_checked(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report every test that lacks reference data at one place, so that the run lists them in one line."""
    report = yield
    if report.skipped and reference.LEFT_OUT in str(report.longrepr):
        report.longrepr = (reference.__file__, 1, f"Skipped: {reference.LEFT_OUT}")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not_checked := _not_checked(config):
        terminalreporter.write_line(not_checked, red=reference.REQUIRED, yellow=not reference.REQUIRED)
    if FIGURES in config.stash and (told := figures.summary(config.stash[FIGURES])):
        terminalreporter.write_line(told)
    verdict = config.stash.get(VERDICT, None)
    if verdict is None or not (verdict.checked or verdict.violations):
        return
    terminalreporter.write_line(str(verdict), red=bool(verdict.violations))
    for text in verdict.violations[: contract_report.MOST_SHOWN]:
        terminalreporter.write_line(text, red=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests to `make test-long`, and thorough ones to that and to the run on servers, unless a file is
    named or `-m` asks for them. On servers run only what depends on the database or queue (OF_A_DATABASE), without a
    browser.

    Browser tests are the slowest: they run last, but first if several workers share them, so that no worker waits for
    another at the end.
    """
    if not LONG:
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
    named = any(".py" in argument for argument in config.args)
    asked = named or "thorough" in config.option.markexpr
    if not (LONG or SERVER or asked or "BIZCUIT_SCREENSHOTS" in os.environ):
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    for item in items:
        file = item.nodeid.partition("::")[0]
        if any(part in file for part in OF_A_DATABASE) and not item.get_closest_marker("browser"):
            item.add_marker("database")
    if (SERVER or REDIS) and not (LONG or named):
        items[:] = [item for item in items if item.get_closest_marker("database")]
    shared = "PYTEST_XDIST_WORKER" in os.environ
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None, reverse=shared)


@pytest.fixture(scope="session", autouse=True)
def known_payees() -> Iterator[None]:
    """The client of a test has asked before about everybody whom it pays for the first time."""
    with payees.everybody_was_asked_before():
        yield


@pytest.fixture(autouse=True)
def unknown_payees(request: pytest.FixtureRequest, known_payees: None) -> Iterator[None]:
    """Nobody was asked about before, in a test that is marked `asks_payees`."""
    if request.node.get_closest_marker("asks_payees") is None:
        yield
        return
    with payees.nobody_was_asked_before():
        yield


# --- the database ---
def on_server(statement: str, *values: str) -> list[tuple]:
    """Run one statement on the database server, outside any transaction; return its rows."""
    import psycopg

    with psycopg.connect(SERVER, autocommit=True) as connection:
        done = connection.execute(statement.encode(), values or None)
        return done.fetchall() if done.description else []


def _name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _exists(url: str) -> bool:
    return bool(on_server("select 1 from pg_database where datname = %s", _name(url)))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with the real migrations and no data."""
    url = POSTGRES or f"sqlite:///{tmp_path_factory.mktemp('database') / 'template.db'}"
    models.connect(url)
    if POSTGRES:
        if POSTGRES != SERVER and not _exists(POSTGRES):
            on_server(f'create database "{_name(POSTGRES)}"')
        with models.database.connection_context():
            models.database.execute_sql("drop schema public cascade")
            models.database.execute_sql("create schema public")
    models.migrate()
    models.database.close()
    return url


@pytest.fixture
def new_database(migrated: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Connects this thread to an empty, migrated database at each call, which returns its URL."""
    numbers = itertools.count(1)

    def make() -> str:
        _disconnect()
        number = next(numbers)
        (tmp_path / f"test{number - 1}.db").unlink(missing_ok=True)
        return _connect_empty(migrated, tmp_path / f"test{number}.db")

    yield make
    _disconnect()


@contextmanager
def empty_database(migrated: str, file: Path) -> Iterator[str]:
    """An empty, migrated database, connected in this thread; on SQLite it is this file. Yields its URL."""
    yield _connect_empty(migrated, file)
    _disconnect()


def _connect_empty(migrated: str, file: Path) -> str:
    url = migrated
    if not POSTGRES:
        shutil.copyfile(migrated.removeprefix("sqlite:///"), file)
        url = f"sqlite:///{file}"
    models.connect(url)
    models.database.connect()
    if POSTGRES:
        tables = ", ".join(f'"{table._meta.table_name}"' for table in models.TABLES)
        models.database.execute_sql(f"truncate {tables} restart identity cascade")
    return url


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """An empty, migrated database for this test, connected in this thread: its URL."""
    return new_database()


def _disconnect() -> None:
    if models.database.obj is not None and not models.database.is_closed():
        models.database.close()
    close_all = getattr(models.database.obj, "close_all", None)  # some tests connect to a SQLite file of their own
    if POSTGRES and close_all is not None:
        close_all()


# --- the sandbox ---
@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox without a stack, for the whole session."""
    with sandbox_process(tmp_path_factory.mktemp("sandbox") / "home") as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox in its initial state."""
    running_sandbox.reset()
    return running_sandbox


# --- the running stack ---
_counter = itertools.count(1)
QUEUES = 16  # the number of databases in Redis


def _queue(number: int) -> int:
    """Return the number of a Redis database; workers use different ones, so that none flushes another's."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return (number * workers + worker) % (QUEUES - QUEUES % workers)


@pytest.fixture(scope="session")
def house_environ() -> Iterator["HouseEnviron"]:
    """Creates the settings of further stacks; on servers each stack gets its own database and queue."""
    made = HouseEnviron()
    yield made
    made.remove()


class HouseEnviron:
    """Allocates databases and queues on servers; nothing with embedded parts."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def __call__(self) -> dict[str, str]:
        """Return the environment for one Stack."""
        number = next(_counter)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("BIZCUIT_")}
        if POSTGRES:
            environ["BIZCUIT_DATABASE_URL"] = self._make_database(f"bizcuit_house_{os.getpid()}_{number}")
        if REDIS:
            environ["BIZCUIT_REDIS_URL"] = self._empty_queue(number)
        return environ

    def remove(self) -> None:
        """Drop the allocated databases."""
        for name in self._names:
            on_server(f'drop database if exists "{name}" with (force)')

    def _make_database(self, name: str) -> str:
        on_server(f'create database "{name}"')
        self._names.append(name)
        return urlunsplit(urlsplit(SERVER)._replace(path=f"/{name}"))

    def _empty_queue(self, number: int) -> str:
        import redis

        url = urlunsplit(urlsplit(REDIS)._replace(path=f"/{_queue(number)}"))
        redis.Redis.from_url(url).flushdb()
        return url


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, house_environ: HouseEnviron) -> Iterator[Stack]:
    """Queue, sandbox, web and worker, running for the whole session on free ports."""
    with Stack(tmp_path_factory.mktemp("house"), environ=house_environ(), notice=print) as stack:
        yield stack


@pytest.fixture
def visitor() -> HttpBrowser:
    """An HTTP browser that is not logged in."""
    return HttpBrowser()


# --- the browser ---
@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The path of a Chromium that starts; without one, tests that need it fail instead of being skipped."""
    return browser.find_or_install()


@pytest.fixture(scope="session")
def chromium(chromium_path: str):
    """A running headless Chromium (Playwright's Browser)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium_path, args=list(browser.FLAGS))
        yield running
        running.close()


@pytest.fixture
def phone(chromium):
    """A new page on a Dutch phone."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True, is_mobile=True,
        locale="nl-NL", timezone_id="Europe/Amsterdam",
    )  # fmt: skip
    yield context.new_page()
    context.close()
