"""The addresses of database and queue: escaped signs are read, and what could never connect is refused at start."""

from pathlib import Path
from typing import Any

import pytest
from redis import Redis

import config
from config import ConfigError
from models.dialect import database_at

SECRET = "Zq7vT"  # in every password below: no fault may print it


def development(home: Path, **changes: str) -> config.Config:
    told = {f"BIZCUIT_{name}": value for name, value in changes.items()}
    return config.load({"BIZCUIT_HOME": str(home), "BIZCUIT_ENV": "development", **told})


def test_user_and_password_of_the_database_may_be_escaped(tmp_path: Path):
    url = "postgresql://us%40them:p%40ss%2Fword%3A%25%23@db.example:5433/bizcuit"
    given = database_at(development(tmp_path, DATABASE_URL=url).database_url).connect_params
    assert (given["user"], given["password"], given["host"]) == ("us@them", "p@ss/word:%#", "db.example")
    assert (given["port"], database_at(url).database) == (5433, "bizcuit")


def test_a_database_that_does_not_answer_is_not_waited_for_long():
    assert database_at("postgresql://u:x@db.example/pay").connect_params["connect_timeout"] == 5
    told = database_at("postgresql://u:x@db.example/pay?connect_timeout=9").connect_params
    assert told["connect_timeout"] == 9, "the address may say otherwise"


def test_user_and_password_of_the_queue_may_be_escaped(tmp_path: Path):
    url = development(tmp_path, REDIS_URL="redis://us%40them:p%40ss%2Fword%3A%25%23@queue.example:6380/3").redis_url
    made: Any = Redis.from_url(url).connection_pool.make_connection()
    assert (made.username, made.password, made.host) == ("us@them", "p@ss/word:%#", "queue.example")
    assert (made.port, made.db) == (6380, 3)


@pytest.mark.parametrize(
    "url",
    ["mysql://db/x", "bizcuit.db", "sqlite:///", "sqlite://", "postgresql://db.example", "postgresql:///",
     f"postgresql://u:{SECRET}@db.example:none/pay", f"postgresql://u:{SECRET}@db.example:70000/pay",
     f"postgresql://u:{SECRET}#x@db.example/pay", f"postgresql://u:{SECRET}/x@db.example/pay",
     f"postgresql://u:1/{SECRET}@db.example/pay", f"postgresql://u:{SECRET}?x@db.example/pay",
     f"postgresql://u:{SECRET}[x@db.example/pay", f"postgresql://u:{SECRET}%x@db.example/pay",
     f"postgresql://u:{SECRET}%@db.example/pay", f"postgresql://u:{SECRET} x@db.example/pay"],
)  # fmt: skip
def test_an_address_of_a_database_that_is_none_is_refused(tmp_path: Path, url: str):
    with pytest.raises(ConfigError, match=r"^BIZCUIT_DATABASE_URL must read like .* %40 ") as refused:
        development(tmp_path, DATABASE_URL=url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["queue.example:6379", "http://queue.example", "redis://", "unix://", "unix://host/path", "redis:///0",
     f"redis://:{SECRET}@queue.example:none/0", f"redis://:{SECRET}@queue.example/queue",
     f"redis://:{SECRET}[@queue.example/0", f"redis://:{SECRET}/x@queue.example/0", f"redis://:{SECRET}%@queue.example/0",
     f"redis://:{SECRET}#@queue.example/0"],
)  # fmt: skip
def test_an_address_of_a_queue_that_is_none_is_refused(tmp_path: Path, url: str):
    with pytest.raises(ConfigError, match=r"^BIZCUIT_REDIS_URL must read like .* %40 ") as refused:
        development(tmp_path, REDIS_URL=url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "url"),
    [("DATABASE_URL", f"postgresql://u:{SECRET}@db.example/pay?sslmod=verify-full"),
     ("REDIS_URL", f"redis://:{SECRET}@queue.example/0?ssl=yes"), ("REDIS_URL", "redis://queue.example/0?db=first")],
)  # fmt: skip
def test_an_unknown_option_is_refused(tmp_path: Path, name: str, url: str):
    with pytest.raises(ConfigError, match=rf"^BIZCUIT_{name} has an option behind the \? that .* does not know$"):
        development(tmp_path, **{name: url})


@pytest.mark.parametrize(
    ("name", "url"),
    [("DATABASE_URL", "postgresql:///pay?host=/run/postgresql"), ("DATABASE_URL", "postgres://u@[::1]:5432/pay"),
     ("DATABASE_URL", "postgresql://u:x@db.example/pay?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=5"),
     ("DATABASE_URL", "sqlite:////tmp/x.db"), ("DATABASE_URL", "sqlite:///var/x.db"),
     ("REDIS_URL", "unix:///run/queue.sock"), ("REDIS_URL", "unix:///run/queue.sock?db=2"),
     ("REDIS_URL", "rediss://queue.example:6380"), ("REDIS_URL", "redis://queue.example/"),
     ("REDIS_URL", "rediss://queue.example/0?ssl_ca_certs=/ca.pem&socket_timeout=5")],
)  # fmt: skip
def test_other_ways_to_write_an_address_are_read(tmp_path: Path, name: str, url: str):
    assert getattr(development(tmp_path, **{name: url}), name.lower()) == url
