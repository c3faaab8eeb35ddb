"""The settings that deploy/ names: each exists, together they are those of a production that starts."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import config
from models.dialect import database_at
from tests.support.deployment import DEPLOY, ROOT, env_file, filled_in
from tests.support.production_settings import complete

SETTINGS = {name: env_file(DEPLOY / name) for name in ("production.env.example", "container/settings.env.example")}
SETTINGS["kubernetes/settings.yaml"] = yaml.safe_load((DEPLOY / "kubernetes" / "settings.yaml").read_text())["data"]
FROM_THE_IMAGE = {"BIZCUIT_ENV": "production", "BIZCUIT_HOME": "/var/lib/bizcuit"}
FOLDERS = ("systemd", "nginx", "caddy", "container", "kubernetes")
_NAME = re.compile(r"BIZCUIT_[A-Z_]+[A-Z]")


@pytest.mark.parametrize("name", SETTINGS)
def test_filled_in_they_are_complete(name: str, secrets: Path):
    given = FROM_THE_IMAGE | filled_in(SETTINGS[name], secrets)
    assert config.unknown_settings(given) == []
    settings = config.load(given)
    assert (settings.production, settings.base_url, settings.hook_url) == (
        True, "https://app.example.nl", "https://hook.example.nl"
    )  # fmt: skip
    assert settings.proxies == 1


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_without_which_nothing_starts_is_there(name: str):
    given = {one.removesuffix("_FILE") for one in {**FROM_THE_IMAGE, **SETTINGS[name]}}
    assert {*complete(), "BIZCUIT_HOME"} - given == set()


@pytest.mark.parametrize("name", SETTINGS)
def test_no_secret_stands_in_them(name: str):
    ours = re.compile(r"BIZCUIT_(\w+_(KEY|SECRET|PASSWORD|TOKEN|PEPPER|KEYS)|DATA_KEYS)")
    assert [one for one in SETTINGS[name] if ours.fullmatch(one) and one != "BIZCUIT_BANK_KEY"] == []
    assert "PRIVATE KEY" not in (DEPLOY / name).read_text()


def test_every_setting_that_any_file_names_exists():
    known = set(_NAME.findall((ROOT / ".env.example").read_text()))
    named = {one for path in DEPLOY.rglob("*") if path.is_file() for one in _NAME.findall(path.read_text())}
    assert {one.removesuffix("_FILE") for one in named} - known == set()


def test_what_the_files_leave_out_is_optional_and_offered():
    """The longest example names every setting of production, some in a comment."""
    text = (DEPLOY / "production.env.example").read_text()
    named = {one.removesuffix("_FILE") for one in re.findall(r"^#?(BIZCUIT_\w+)=", text, re.MULTILINE)}
    listed = set(re.findall(r"^#?(BIZCUIT_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    development = {"BIZCUIT_PORT", "BIZCUIT_SANDBOX_PORT", "BIZCUIT_SANDBOX_URL", "BIZCUIT_OPERATOR_TOKEN"}
    assert listed - named - development == set()


def test_operators_read_of_every_setting_and_every_file():
    text = (ROOT / "docs" / "operating.md").read_text()
    settings = set(re.findall(r"^#?(BIZCUIT_\w+)=", (DEPLOY / "production.env.example").read_text(), re.MULTILINE))
    assert {one.removesuffix("_FILE") for one in settings} - set(_NAME.findall(text)) == set()
    files = [path for name in FOLDERS for path in (DEPLOY / name).rglob("*") if path.is_file()]
    unread = {path.name for path in files if path.name not in text and f"deploy/{path.parent.name}`" not in text}
    assert unread == {"compose.yaml", "Dockerfile.dockerignore"}, "which docker finds itself"


def test_the_password_of_the_composed_database_reaches_the_program(tmp_path: Path):
    """The lines of docs/operating.md, "With containers", that write it."""
    text = (ROOT / "docs" / "operating.md").read_text()
    lines = [line.strip() for line in text.splitlines() if re.match(r" {8}(password=|printf .* > secrets/)", line)]
    (tmp_path / "secrets").mkdir()
    assert len(lines) == 3
    subprocess.run(["sh", "-euc", "\n".join(lines)], cwd=tmp_path, check=True)
    url = (tmp_path / "secrets" / "database-url").read_text()
    password = (tmp_path / "secrets" / "database-password").read_text()
    found = database_at(url).connect_params
    assert (found["user"], found["password"], found["host"]) == ("bizcuit", password, "/run/postgresql")
    assert (len(password), database_at(url).database) == (64, "bizcuit")


def test_secrets_are_drawn_once(tmp_path: Path):
    def draw() -> dict[str, str]:
        subprocess.run(["sh", str(DEPLOY / "new-secrets.sh"), str(tmp_path / "s")], check=True, capture_output=True)
        return {path.name: path.read_text() for path in (tmp_path / "s").iterdir()}

    first = draw()
    assert len(first) == len(set(first.values())) == 7
    assert draw() == first
    (tmp_path / "s" / "push-key").unlink()
    second = draw()
    assert second["push-key"] != first["push-key"]
    assert {name for name in first if first[name] != second[name]} == {"push-key"}
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "s").iterdir()} == {0}
