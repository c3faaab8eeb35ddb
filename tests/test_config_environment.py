"""Production is named: settings that look like it are never read as those of development."""

from pathlib import Path

import pytest

import config
from config import ConfigError
from config.own_secrets import OWN
from config.production import ADDRESSES
from tests.support.production_settings import complete

SIGNS = [
    *((name, "https://pay.example") for name in ADDRESSES),
    ("BASE_URL", "HTTPS://pay.example"),
    ("DATABASE_URL", "postgresql://us:kD7wqZ1r@127.0.0.1/pay"),
    ("DATABASE_URL", "postgres:///pay?host=/run/postgresql"),
    ("REDIS_URL", "rediss://127.0.0.1:6379/0"),
    ("REDIS_URL", "redis://queue.example:6379/0"),
    ("REDIS_URL", "redis://[queue"),
    ("SMTP_HOST", "mail.example"),
    *((name, "x" * 40) for name in OWN),
]


def faults(**given: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        config.load({f"BIZCUIT_{name}": value for name, value in given.items()})
    return refused.value.faults


@pytest.mark.parametrize(("name", "value"), SIGNS)
@pytest.mark.parametrize("unset", [{}, {"ENV": ""}])
def test_what_looks_like_production_must_say_what_it_is(tmp_path: Path, name: str, value: str, unset: dict[str, str]):
    first, *others = faults(HOME=str(tmp_path), **{name: value}, **unset)
    assert first.startswith(f"BIZCUIT_ENV is not set, but BIZCUIT_{name} ") and value not in first
    assert "development, production" in first
    assert any(fault == "BIZCUIT_KVK_KEY is not set" for fault in others), "it is checked as production"
    assert list(tmp_path.iterdir()) == [], "no secret is generated"


@pytest.mark.parametrize("value", ["prod", "Production", "production ", "live", "1", "staging"])
def test_an_unknown_environment_is_checked_as_production(tmp_path: Path, value: str):
    first, *others = faults(HOME=str(tmp_path), ENV=value)
    assert first.startswith("BIZCUIT_ENV must be one of development, production")
    assert "BIZCUIT_KVK_KEY is not set" in others
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_cannot_be_read_is_checked_as_production(tmp_path: Path):
    first, *others = faults(HOME=str(tmp_path / "home"), ENV_FILE=str(tmp_path / "none"))
    assert first.startswith("BIZCUIT_ENV_FILE cannot be read") and "BIZCUIT_KVK_KEY is not set" in others
    assert list(tmp_path.iterdir()) == []


def test_complete_settings_without_their_environment_lack_only_that(tmp_path: Path):
    given = {**complete(), "BIZCUIT_HOME": str(tmp_path)}
    del given["BIZCUIT_ENV"]
    with pytest.raises(ConfigError) as refused:
        config.load(given)
    (fault,) = refused.value.faults
    assert fault.startswith("BIZCUIT_ENV is not set")


@pytest.mark.parametrize(("name", "value"), [sign for sign in SIGNS if sign[0] not in OWN and "[" not in sign[1]])
def test_development_that_is_asked_for_may_look_like_anything(tmp_path: Path, name: str, value: str):
    given = {"BIZCUIT_ENV": "development", "BIZCUIT_HOME": str(tmp_path), f"BIZCUIT_{name}": value}
    assert not config.load(given).production


@pytest.mark.parametrize(
    "given",
    [{}, {"BASE_URL": "http://localhost:9000"}, {"REDIS_URL": "redis://127.0.0.1:1/0"}, {"SMTP_HOST": "localhost"},
     {"REDIS_URL": "unix:///run/queue.sock"}, {"DATABASE_URL": "sqlite:////tmp/x.db"}, {"OIDC_ISSUER": "http://[::1]:9"}],
)  # fmt: skip
def test_a_sandbox_on_this_machine_needs_no_environment(tmp_path: Path, given: dict[str, str]):
    told = {f"BIZCUIT_{name}": value for name, value in given.items()}
    assert not config.load({"BIZCUIT_HOME": str(tmp_path), **told}).production
