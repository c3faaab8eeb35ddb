"""The Nmbrs token is in no log, page, history, job argument or readable column.

The test uses the whole stack with a real token, triggers every error that may quote it, then searches everything that
was written.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import lxml.html
import pytest
import redis
import requests

from tools.demo_journey import ONBOARDING, DemoJourney
from tools.dev_stack import Stack
from tools.http_browser import Page, PageError

REFUSALS = (
    "nmbrs_wrong_token", "nmbrs_disabled", "nmbrs_9999", "nmbrs_html_503", "nmbrs_not_xml", "nmbrs_no_runs_right",
    "nmbrs_no_sepa_right",
)  # fmt: skip


@pytest.fixture(scope="module")
def secret_house(tmp_path_factory: pytest.TempPathFactory, house_environ) -> Iterator[Stack]:
    """A separate stack, so that only this test's data is searched."""
    home = tmp_path_factory.mktemp("secret") / "home"
    with Stack(home, environ=house_environ(), notice=print) as stack:
        yield stack


def faults(stack: Stack, **states: bool) -> None:
    answer = requests.post(f"{stack.sandbox_url}/control/faults", json=states, timeout=10)
    assert answer.ok, answer.text


def written(home: Path) -> Iterator[tuple[str, bytes]]:
    """Return every file of the home folder except the sandbox's own."""
    for path in home.rglob("*"):
        if path.is_file() and "sandbox" not in path.relative_to(home).parts[:1]:
            yield str(path.relative_to(home)), path.read_bytes()


def readable(url: str) -> Iterator[tuple[str, str]]:
    """Return every value of every table, since the file search does not cover PostgreSQL."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                for row in connection.execute(f'select * from "{table}"'):
                    yield table, str(row)
        return
    import psycopg

    with psycopg.connect(url) as connection:
        named = "select tablename from pg_tables where schemaname = 'public'"
        for (table,) in connection.execute(named).fetchall():
            for row in connection.execute(f'select * from "{table}"'.encode()):
                yield table, str(row)


def queued(url: str) -> Iterator[tuple[str, bytes]]:
    """Return the content of the queue server."""
    server = redis.Redis.from_url(url)
    for key in server.scan_iter():
        yield repr(key), server.dump(key) or b""
        if server.type(key) == b"hash":
            fields: Any = server.hgetall(key)
            for name, value in fields.items():
                yield f"{key!r}.{name!r}", value


def markup(page: Page) -> str:
    return lxml.html.tostring(page.tree, encoding="unicode")


def typed_again(story: DemoJourney) -> str:
    """Return the page after submitting the token: refused, or accepted if the connection was failing."""
    form = story.open("apps/nmbrs/toevoegen").form()
    form = form.fill(email=story.person.nmbrs_user, token=story.person.nmbrs_token)
    try:
        return markup(form.submit("Test en sla op", expect=422))
    except PageError as error:
        return str(error)


def refuse_everything(stack: Stack, story: DemoJourney, pages: list[str]) -> None:
    """Trigger every error once, during a payroll run, page views and resubmission of the token."""
    for fault in REFUSALS:
        faults(stack, **{fault: True})
        requests.post(f"{stack.sandbox_url}/control/runs", json={"company": "9969", "lines": 1}, timeout=10)
        pages.append(typed_again(story))
        time.sleep(0.5)
        pages.append(markup(story.open("apps/nmbrs")))
        faults(stack, **{fault: False})


def look_around(story: DemoJourney, pages: list[str]) -> None:
    """Open every linked page about Nmbrs, including the entries of the history."""
    paths = {"apps/nmbrs", "apps", "overzicht", "apps/nmbrs/toevoegen"}
    seen: set[str] = set()
    while paths - seen:
        path = sorted(paths - seen)[0]
        seen.add(path)
        page = story.open(path)
        pages.append(markup(page))
        links = (str(link) for link in page.tree.xpath("//a/@href"))
        start = f"/{story.client}/"
        paths |= {link.removeprefix(start).split("?")[0].split("#")[0] for link in links
                  if link.startswith(f"{start}apps/nmbrs")}  # fmt: skip


def test_the_token_is_exposed_nowhere(secret_house: Stack):
    stack, pages = secret_house, []
    story = DemoJourney(stack.base_url, stack.sandbox_url)
    for step in ONBOARDING:
        step(story)
    story.run_payroll()
    refuse_everything(stack, story, pages)
    look_around(story, pages)
    token = story.person.nmbrs_token
    found = [name for name, data in written(stack.home) if token.encode() in data]
    found += [table for table, text in readable(stack.database_url) if token in text]
    found += [key for key, data in queued(stack.redis_url) if token.encode() in data]
    found += [f"page {number}" for number, text in enumerate(pages) if token in text]
    assert found == []
    assert len(pages) > 2 * len(REFUSALS) + 5
    assert {"nmbrs_connection", "nmbrs_call", "payroll_run"} <= {table for table, _text in readable(stack.database_url)}
    assert any(name.startswith("logs/worker") for name, _data in written(stack.home))
