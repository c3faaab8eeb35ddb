"""The whole web application in this process, on an empty database, beside the sandbox, without a queue."""

import json
from dataclasses import replace

import pytest
from flask import Flask

import app as application
import config
import jobs
import models
from domain.common.encryption import seal
from models import Identification, Pin
from tests.support.factories import Demo, make_demo
from tests.support.sandbox import Sandbox
from tests.support.site import Person, Site

# Somebody with the name of the demo entrepreneur, as the broker proved it.
PERSON = {"initials": "W", "last_name": "Jong", "prefix": "de", "birth_date": "1980-04-12"}


@pytest.fixture(scope="session")
def settings(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> config.Config:
    """Those of the sandbox; nobody answers where the queue should be."""
    home = tmp_path_factory.mktemp("home")
    return config.load(
        {
            "BIZCUIT_HOME": str(home), "BIZCUIT_SANDBOX_URL": running_sandbox.url,
            "BIZCUIT_SMTP_PORT": str(running_sandbox.smtp_port), "BIZCUIT_REDIS_URL": "redis://127.0.0.1:1/0",
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def program(settings: config.Config) -> Flask:
    """create_app() once: its templates stay compiled."""
    return application.create_app(settings)


@pytest.fixture
def site(program: Flask, settings: config.Config, database: str, sandbox: Sandbox) -> Site:
    """The application on this test's database."""
    models.database.close()  # the application points every table at connections of its own
    application.furnish(replace(settings, database_url=database), program)
    jobs.connect(settings.redis_url)
    models.database.connect(reuse_if_open=True)
    return Site(program, sandbox)


@pytest.fixture
def demo(site: Site, sandbox: Sandbox) -> Demo:
    """All set up; the pin is there but fits nothing, which is quicker."""
    made = make_demo(sandbox, pin=False)
    Pin.create(user=made.user, pin_hash="-")
    sealed = seal(json.dumps(PERSON), "identification", made.user.id)
    Identification.update(person_sealed=sealed).where(Identification.user == made.user.id).execute()
    return made


@pytest.fixture
def owner(site: Site, demo: Demo) -> Person:
    return site.person(demo.user)
