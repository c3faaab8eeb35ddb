"""One production as the units install it: settings, secrets, a migrated database, a queue."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.deployment import DEPLOY, ROOT, commands, env_file, filled_in, make_secrets
from tests.support.queue_server import running_queue


class Installed(NamedTuple):
    """The settings, the folder of the web server's socket, and what the commands of the migration printed."""

    settings: dict[str, str]
    run: Path
    said: list[str]


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    make_secrets(folder)
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, secrets: Path) -> Iterator[Installed]:
    """Run what bizcuit-migrate.service executes, on SQLite and a queue of the test's own."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "home").mkdir()
    with running_queue(folder) as (_, socket):
        settings = filled_in(env_file(DEPLOY / "production.env.example"), secrets) | {
            "BIZCUIT_HOME": str(folder / "home"),
            "BIZCUIT_AUDIT_ANCHORS": str(folder / "home" / "audit-anchors.jsonl"),
            "BIZCUIT_DATABASE_URL": f"sqlite:///{folder / 'home' / 'bizcuit.db'}",
            "BIZCUIT_REDIS_URL": f"unix://{socket}",
        }
        said = []
        for command in commands("bizcuit-migrate.service", folder):
            done = subprocess.run(
                command, cwd=ROOT, env={"PATH": os.environ["PATH"], **settings}, capture_output=True, text=True,
                timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            said.append(done.stdout)
        yield Installed(settings, folder, said)
