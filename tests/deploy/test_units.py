"""The systemd units: systemd reads them, they are closed, and what they execute starts and ends as they say."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from rq import Worker

from tests.deploy.conftest import Installed
from tests.support.deployment import (
    ROOT,
    UNITS,
    SocketConnection,
    ask,
    commands,
    entries,
    running,
    wait_for_answer,
)
from tests.support.queue_server import wait_until
from tools.dev_stack import WEB_OPTIONS

SERVICES = ("bizcuit-migrate.service", "bizcuit-web.service", "bizcuit-worker@.service")
MOST_EXPOSED = 2.0  # of 10, by systemd-analyze
ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not installed")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ANALYZE), *words], capture_output=True, text=True, check=False)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The units with programs that exist on this machine."""
    for unit in UNITS.glob("bizcuit*.*"):
        text = unit.read_text().replace("/opt/bizcuit/.venv/bin/python", sys.executable)
        (tmp_path / unit.name).write_text(text.replace("/opt/bizcuit", str(ROOT)))
    return tmp_path


def closing(unit: str) -> list[tuple[str, str]]:
    """Return what stands behind the last command of a service: what it may not do."""
    found = entries(unit)
    last = max(at for at, (name, _) in enumerate(found) if name == "ExecStart")
    return [(name, value) for name, value in found[last + 1 :] if name != "WantedBy"]


@with_systemd
def test_systemd_finds_nothing_wrong(here: Path):
    done = analyze("verify", *map(str, sorted(here.glob("bizcuit*"))))
    ours = [line for line in done.stderr.splitlines() if "bizcuit" in line]
    assert (done.returncode, ours) == (0, [])


@with_systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_can_do_little_besides_its_work(here: Path, unit: str):
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(here / unit))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", SERVICES)
def test_every_service_is_closed_alike(unit: str):
    assert closing(unit) == closing(SERVICES[0])
    given = dict(entries(unit))
    asked = {
        "NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes", "CapabilityBoundingSet": "",
        "StateDirectory": "bizcuit", "StateDirectoryMode": "0700", "User": "bizcuit", "UMask": "0077",
        "EnvironmentFile": "/etc/bizcuit/bizcuit.env",
    }  # fmt: skip
    assert {name: given[name] for name in asked} == asked


def test_the_web_server_runs_with_the_options_that_are_tested():
    (command,) = commands("bizcuit-web.service", Path("/run/bizcuit"))
    said = " ".join(command)
    assert WEB_OPTIONS.replace("--graceful-timeout 5", "--graceful-timeout 30") in said
    assert dict(entries("bizcuit-web.service"))["RestartPreventExitStatus"] == "4"


def test_the_migration_checks_migrates_and_connects(installed: Installed):
    check, migrate, connect = installed.said
    assert check == "settings are complete\n"
    assert migrate.startswith("applied: 0001_schema")
    assert connect == "settings are complete\ndatabase, queue and folders answer\n"


def test_the_web_server_answers_on_its_socket(installed: Installed):
    (command,) = commands("bizcuit-web.service", installed.run)
    path = installed.run / "web.sock"
    with running(command, installed.settings) as started:
        wait_for_answer(started, SocketConnection, path)
        assert ask(SocketConnection(path), "/readyz")[0] == 200
        assert ask(SocketConnection(path), "/inloggen")[0] == 200
        assert stat.S_IMODE(path.stat().st_mode) & 0o020, "the proxy's user connects as a member of the group"


def test_the_worker_takes_its_queues_and_ends_when_asked(installed: Installed):
    (command,) = commands("bizcuit-worker@.service", installed.run)
    queue = Redis.from_url(installed.settings["BIZCUIT_REDIS_URL"])
    with running(command, installed.settings):
        wait_until(lambda: any(worker.get_state() in ("idle", "busy") for worker in Worker.all(queue)), patience=30)
    assert Worker.all(queue) == []


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv (util-linux) is not installed")
def test_operators_run_commands_with_the_settings_of_the_service(installed: Installed, tmp_path: Path):
    (tmp_path / "bizcuit.env").write_text("".join(f"{name}='{text}'\n" for name, text in installed.settings.items()))
    script = (UNITS / "bizcuit").read_text()
    script = script.replace("/etc/bizcuit/bizcuit.env", str(tmp_path / "bizcuit.env"))
    script = script.replace(".venv/bin/python", sys.executable).replace("cd /opt/bizcuit", f"cd {ROOT}")
    script, switched = re.subn(r"--reuid=bizcuit --regid=bizcuit --init-groups", "", script)
    assert switched == 1
    done = subprocess.run(
        ["sh", "-c", script, "bizcuit", "check-config", "--connect"], env={"PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "settings are complete\ndatabase, queue and folders answer\n"
