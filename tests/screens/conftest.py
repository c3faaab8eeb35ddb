"""The pages in this process, on an empty database, beside a sandbox; nothing waits in a queue."""

from pathlib import Path

import pytest
from flask import Flask

import app as program
import config
import jobs
from domain.common.services import World
from tests.support.factories import Demo, make_client, make_demo, make_user, make_world
from tests.support.sandbox import Sandbox
from tests.support.screens import Browser


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def world(database: str, sandbox: Sandbox, keys: Path) -> World:
    return make_world(sandbox.url, sandbox.smtp_port, keys)


@pytest.fixture
def demo(world: World, sandbox: Sandbox) -> Demo:
    """Set up but for a pin, which takes a while to hash."""
    return make_demo(sandbox, pin=False)


@pytest.fixture(scope="session")
def all_screens(running_sandbox: Sandbox, keys: Path) -> Flask:
    """Nobody answers where the queue should be: waking a job fails, and that is no fault."""
    settings = config.load({"BIZCUIT_HOME": str(keys), "BIZCUIT_SANDBOX_URL": running_sandbox.url})
    made = program.bare_app(settings)
    jobs.connect("redis://127.0.0.1:1/0")
    program.use_sessions(made, settings)
    program.use_database(made)
    program.use_screens(made)
    program.use_errors(made)
    made.testing = True
    return made


@pytest.fixture
def app(all_screens: Flask, world: World) -> Flask:
    return all_screens


@pytest.fixture
def wouter(app: Flask, demo: Demo) -> Browser:
    """The owner."""
    return Browser(app, demo.user)


@pytest.fixture
def charlie(app: Flask) -> Browser:
    """Owner of another client: must see nothing of the first."""
    return Browser(app, make_client(make_user(name="Charlie")).user)
