"""The payment page of 80 lines: server time and SQL statements."""

import re
import statistics
import time
from pathlib import Path

import flask
import peewee
from flask.testing import FlaskClient
from playhouse.db_url import connect

import app
import models
from bench import files, fixtures
from bench.measurement import Figure
from tools.dev_stack import Stack

LINES = 80
TIMES = 40
GOAL_MS, GOAL_STATEMENTS = 30.0, 4
# The page shows 100 lines, so a longer payment must cost the same, apart from measurement noise.
SHORT, LONG, GOAL_TIMES = 100, 5_000, 1.15
# Statements that every page needs: login session, user and membership.
EVERY_PAGE = ("login_session", "user_account", "membership")

BARE = """<!doctype html><title>Betaling</title><ul>{% for row in rows %}
<li><b>{{ row[0] }}</b> <span>{{ row[1] }}</span> <span>{{ row[2] }}</span> {{ row[3] }}
<button name="no">x</button><button name="yes">v</button></li>{% endfor %}</ul>"""


def measure(home: Path) -> list[Figure]:
    """Measure the page in process, with the banks of a running sandbox."""
    with Stack(home / "sandbox", without=("queue", "web", "worker")) as stack:
        return measure_beside(home, stack.sandbox_url)


def measure_beside(home: Path, sandbox_url: str) -> list[Figure]:
    """Return the median time of the page, and the statements of one view."""
    settings = fixtures.configure_services(home, sandbox_url)
    client = fixtures.make_client()
    fixtures.hand_out(files.payment_file(LINES))
    batch = fixtures.take_in(client, 1)
    assert batch is not None
    models.database.close()
    path = f"/{client.public_id}/betalingen/{batch.reference}"
    browser = signed_in(app.create_app(settings))
    milliseconds = view_ms(browser, path)
    short, long = (view_ms(browser, _payment_of(client, number, lines)) for number, lines in ((2, SHORT), (3, LONG)))
    own = [sql for sql in statements(browser, path) if not any(f'"{table}"' in sql for table in EVERY_PAGE)]
    return [
        Figure(
            f"the payment page of {LINES} lines", round(milliseconds, 1), "ms", round(floor_ms(home), 1),
            "bare Flask: one select, the same rows in a plain template", f"≤ {GOAL_MS:g} ms", milliseconds <= GOAL_MS,
        ),
        Figure(
            "statements of that page, beside session and membership", len(own), "statements",
            goal=f"≤ {GOAL_STATEMENTS}", good=len(own) <= GOAL_STATEMENTS,
        ),
        Figure(
            f"the page of {LONG:,} lines, beside one of {SHORT}", round(long / short, 2), "times", 1.0,
            f"{SHORT} lines: {short:.1f} ms; {LONG:,}: {long:.1f} ms", f"≤ {GOAL_TIMES:g} times",
            long <= GOAL_TIMES * short,
        ),
    ]  # fmt: skip


def _payment_of(client: models.Client, number: int, lines: int) -> str:
    """Return the URL of a new payment with this many lines."""
    models.database.connect(reuse_if_open=True)
    fixtures.hand_out(files.payment_file(lines, number * LONG))
    batch = fixtures.take_in(client, number)
    assert batch is not None
    models.database.close()
    return f"/{client.public_id}/betalingen/{batch.reference}"


def signed_in(application: flask.Flask) -> FlaskClient:
    """Return a test client that has logged in through the form."""
    browser = application.test_client()
    form = browser.get("/inloggen").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token
    typed = {"email": fixtures.EMAIL, "password": fixtures.PASSWORD, "csrf_token": token.group(1)}
    answer = browser.post("/inloggen", data=typed)
    assert answer.status_code in (302, 303), answer.text
    return browser


def view_ms(browser: FlaskClient, path: str) -> float:
    """Return the median time of a view in milliseconds."""
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        answer = browser.get(path)
        taken.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, answer.status
    return statistics.median(taken[5:])


def statements(browser: FlaskClient, path: str) -> list[str]:
    """Return the SQL statements of one view."""
    seen: list[str] = []
    database = models.database.obj
    original = database.execute_sql

    def noting(sql: str, *arguments: object, **named: object) -> object:
        seen.append(sql)
        return original(sql, *arguments, **named)

    database.execute_sql = noting
    try:
        browser.get(path)
    finally:
        database.execute_sql = original
    return [sql for sql in seen if sql.lstrip().upper().startswith(("SELECT", "UPDATE", "INSERT", "DELETE"))]


def floor_ms(home: Path) -> float:
    """Return the time for the same rows, from one select, in a plain template."""
    database = connect(f"sqlite:///{home / 'floor.db'}")

    class Line(peewee.Model):
        name = peewee.TextField()
        iban = peewee.TextField()
        description = peewee.TextField()
        amount_cents = peewee.BigIntegerField()

    Line._meta.set_database(database)
    database.create_tables([Line])
    Line.insert_many(
        [("Medewerker", files.iban(n), "Salaris", 150_000) for n in range(LINES)], Line._meta.sorted_fields[1:]
    ).execute()
    bare = flask.Flask("bare")

    @bare.get("/")
    def page() -> str:
        return flask.render_template_string(BARE, rows=list(Line.select(*Line._meta.sorted_fields[1:]).tuples()))

    milliseconds = view_ms(bare.test_client(), "/")
    database.close()
    return milliseconds
