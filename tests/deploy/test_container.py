"""The image and its composition: what is copied is enough to run, and every service runs a command that exists."""

import http.client
import json
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import Installed
from tests.support.deployment import DEPLOY, ROOT, ask, free_port, local, running, wait_for_answer
from tools.dev_stack import WEB_OPTIONS

FOLDER = DEPLOY / "container"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "bizcuit"]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with what they say."""
    text = re.sub(r"\\\n\s*", "", (FOLDER / "Dockerfile").read_text())
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]


def copied() -> list[str]:
    """Return the files and folders of this repository that the image holds."""
    after_packages = [text for name, text in instructions() if name == "COPY" and not text.startswith("--from")][1:]
    return [part for text in after_packages for part in text.split()[:-1]]


def last(name: str) -> str:
    return [text for found, text in instructions() if found == name][-1]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it stands in the image, and nothing else of this repository."""
    folder = tmp_path_factory.mktemp("image")
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)  # with what Python compiled: the image compiles it too
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_the_image_serves(image: Path, installed: Installed):
    port = free_port()
    command = [part.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for part in local(json.loads(last("CMD")))]
    assert f"127.0.0.1:{port}" in command
    with running(command, installed.settings, at=image) as started:
        wait_for_answer(started, http.client.HTTPConnection, "127.0.0.1", port)
        for path in ("/readyz", "/inloggen", "/sw.js"):
            assert ask(http.client.HTTPConnection("127.0.0.1", port), path)[0] == 200, path


def test_the_image_is_of_production_and_runs_as_nobody_else():
    environment = dict(part.split("=", 1) for part in last("ENV").split())
    assert (environment["BIZCUIT_ENV"], environment["BIZCUIT_HOME"]) == ("production", "/var/lib/bizcuit")
    assert (last("USER"), last("VOLUME")) == ("10001:10001", "/var/lib/bizcuit")
    assert WEB_OPTIONS.replace("--graceful-timeout 5", "--graceful-timeout 30") in " ".join(json.loads(last("CMD")))
    assert any("--require-hashes" in text for name, text in instructions() if name == "RUN")


def test_the_build_sees_what_it_copies_and_nothing_else():
    lines = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    assert {line[1:] for line in patterns if line.startswith("!")} == {*copied(), "requirements.txt"}
    assert any(fnmatch("x/__pycache__", pattern) for pattern in patterns[1:])
    assert {"tests", "sandbox", "tools", "bench", "docs", "deploy", "var"} & set(copied()) == set()


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_can_do_little(name: str):
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["env_file"] == "settings.env"
    assert (FOLDER / "settings.env.example").exists()
    assert {"home:/var/lib/bizcuit", "./secrets:/run/secrets:ro"} <= set(service["volumes"])


def test_the_services_run_what_is_tested():
    assert set(OURS) == {"migrate", "web", "worker"}
    assert "command" not in SERVICES["web"], "the image's own"
    assert SERVICES["worker"]["command"] == ["python", "worker.py"]
    steps = SERVICES["migrate"]["command"].removeprefix('sh -c "').removesuffix('"').split(" && ")
    flask = "flask --app app"
    assert steps == [f"{flask} check-config", f"{flask} migrate", f"{flask} check-config --connect"]
    for name in ("web", "worker"):
        assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert "http://127.0.0.1:8000/readyz" in SERVICES["web"]["healthcheck"]["test"][3]


def test_what_is_named_is_declared():
    volumes = {text.split(":")[0] for service in SERVICES.values() for text in service.get("volumes", ())}
    assert {name for name in volumes if not name.startswith(".")} == set(COMPOSE["volumes"])
    bound = {FOLDER / name for name in volumes if name.startswith("..")}
    assert bound and all(path.exists() for path in bound)
    networks = {name for service in SERVICES.values() for name in service.get("networks", ())}
    assert networks == set(COMPOSE["networks"])
    assert {one for service in SERVICES.values() for one in service.get("depends_on", {})} <= set(SERVICES)


def test_only_the_proxy_is_reached_from_outside_and_the_stores_by_nobody():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    for name in ("database", "queue"):
        assert SERVICES[name]["network_mode"] == "none" and "networks" not in SERVICES[name]
    shared = {text.split(":")[1] for name in ("database", "queue") for text in SERVICES[name]["volumes"]}
    assert {"/run/postgresql", "/run/valkey"} <= shared
    assert "unix:///run/valkey/valkey.sock" in (FOLDER / "settings.env.example").read_text()
