"""The whole web application in this process, on an empty database, with the sandbox and without a queue."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

import app as application
import config
import jobs
import models
from domain.common import services
from domain.common.services import Services
from jobs import mail_rendering
from models import Pin
from tests.conftest import POSTGRES
from tests.support.ciphertexts import check_ciphertexts
from tests.support.factories import Demo, make_client, make_demo, make_user, make_world
from tests.support.migrated import with_tables
from tests.support.prepared_site import PreparedSite
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient


@pytest.fixture(scope="session")
def settings(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> config.Config:
    """Settings for the sandbox; no queue is reachable."""
    home = tmp_path_factory.mktemp("home")
    return config.load(
        {
            "BIZCUIT_HOME": str(home), "BIZCUIT_SANDBOX_URL": running_sandbox.url,
            "BIZCUIT_SMTP_PORT": str(running_sandbox.smtp_port), "BIZCUIT_REDIS_URL": "redis://127.0.0.1:1/0",
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def production_world(settings: config.Config) -> tuple[Flask, Services]:
    """create_app() once (compiled templates are kept), and the services that it configures."""
    made = application.create_app(with_tables(settings))
    return made, services.services()


@pytest.fixture(scope="session")
def app(production_world: tuple[Flask, Services]) -> Flask:
    return production_world[0]


@pytest.fixture
def world(
    production_world: tuple[Flask, Services], settings: config.Config, database: str, sandbox: Sandbox
) -> Services:
    """Configure the domain for this test's database and a sandbox: short waits, empty caches."""
    made, furnished = production_world
    quick = make_world(sandbox.url, sandbox.smtp_port, Path(settings.home))
    world = replace(quick, hook_url=furnished.hook_url, pusher=furnished.pusher)
    services.configure(world)
    mail_rendering.set_app(made)
    jobs.connect(settings.redis_url)
    return world


@pytest.fixture
def site(app: Flask, world: Services, sandbox: Sandbox) -> Site:
    return Site(app, sandbox)


@pytest.fixture
def demo(site: Site, sandbox: Sandbox) -> Iterator[Demo]:
    """A client that has finished setup; its PIN hash matches nothing, which is faster.

    At the end, every ciphertext is where the rotation of keys finds it.
    """
    made = make_demo(sandbox, pin=False)
    Pin.create(user=made.user, pin_hash="-")
    yield made
    check_ciphertexts()


@pytest.fixture
def owner(site: Site, demo: Demo) -> WebClient:
    return site.person(demo.user)


@pytest.fixture
def charlie(site: Site) -> WebClient:
    """The owner of another client, who must see nothing of the first."""
    return site.person(make_client(make_user(name="Charlie")).user)


@pytest.fixture(scope="module")
def prepared_once(app: Flask, settings: config.Config, migrated: str, running_sandbox: Sandbox,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedSite]:  # fmt: skip
    running_sandbox.reset()
    url = migrated
    if not POSTGRES:
        url = f"sqlite:///{tmp_path_factory.mktemp('prepared') / 'test.db'}"
        shutil.copyfile(migrated.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
    models.connect(url)
    models.database.connect()
    if POSTGRES:
        tables = ", ".join(f'"{table._meta.table_name}"' for table in models.TABLES)
        models.database.execute_sql(f"truncate {tables} restart identity cascade")
    yield PreparedSite(app, settings, url, running_sandbox)
    models.database.close()


@pytest.fixture
def prepared(prepared_once: PreparedSite) -> Iterator[PreparedSite]:
    """Not together with `database` in one module: both bind every table to their own database."""
    yield prepared_once
    prepared_once.back()
