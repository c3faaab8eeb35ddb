"""Operators sign in with a token of their own; a typed name counts only in development, while nobody is registered."""

from dataclasses import replace

import pytest
from click.testing import Result
from flask import Flask

import commands
from domain.common import services
from models import AuditEvent, Batch, Evidence, Operator
from tests.support.factories import Demo
from tests.support.orders import put_at_bank

TOKEN = "BIZCUIT_OPERATOR_TOKEN"


@pytest.fixture
def app(demo: Demo) -> Flask:
    made = Flask("test")
    commands.register(made)
    return made


@pytest.fixture
def batch(demo: Demo) -> Batch:
    made = demo.batch()
    put_at_bank(made, "disputed", "disputed")
    return made


def run(app: Flask, *arguments: str, token: str = "", **given: str | None) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), env={TOKEN: token or None} | given)


def resolve(app: Flask, batch: Batch, by: str, **given: str) -> Result:
    return run(app, "order", "resolve", batch.reference, "--unpaid", "--reason", "asked the bank", "--by", by, **given)


def add(app: Flask, name: str, **given: str) -> str:
    found = run(app, "operator", "add", name, *(("--by", given.pop("by")) if "by" in given else ()), **given)
    assert found.exit_code == 0, found.output
    return found.output.strip()


def state(batch: Batch) -> str:
    return Batch.get_by_id(batch.id).state


def test_typed_names_count_in_development_while_nobody_is_registered(app: Flask, batch: Batch):
    assert resolve(app, batch, "jan").exit_code == 0
    for same in ("jan ", " JAN", "jan\u00a0", "ｊａｎ"):
        assert "a second person" in resolve(app, batch, same).output
    assert "characters that nobody sees" in resolve(app, batch, "j\u200ban").output
    assert state(batch) == "disputed"
    assert resolve(app, batch, "piet").output == "resolved: unpaid\n"
    assert state(batch) == "rejected"
    assert {row.said_by for row in Evidence.select()} == {"operator:jan", "operator:piet"}


@pytest.mark.parametrize(("name", "told"), [
    ("", "say who you are"), ("  ", "say who you are"), ("\u200b", "characters that nobody sees"),
])  # fmt: skip
def test_an_operator_has_a_name(app: Flask, batch: Batch, name: str, told: str):
    assert told in resolve(app, batch, name).output
    assert not Evidence.select().exists()


def test_in_production_a_typed_name_counts_for_nothing(app: Flask, batch: Batch):
    services.configure(replace(services.services(), operators_sign_in=True))
    for name in ("jan", "piet"):
        assert resolve(app, batch, name, token="guessed").exit_code == 1
    assert (state(batch), Evidence.select().count()) == ("disputed", 0)


def test_two_operators_sign_in_with_their_own_tokens(app: Flask, batch: Batch):
    jan = add(app, "Jan")
    piet = add(app, "piet", by="jan", token=jan)
    assert resolve(app, batch, "jan").exit_code != 0, "without a token"
    assert resolve(app, batch, "piet", token=jan).exit_code == 1, "with another's token"
    assert resolve(app, batch, "kees", token=jan).exit_code == 1, "nobody of that name"
    assert not Evidence.select().exists()
    for name in ("jan", "jan ", "JAN"):
        assert "a second person" in resolve(app, batch, name, token=jan).output
    assert state(batch) == "disputed"
    assert resolve(app, batch, "Piet", token=piet).output == "resolved: unpaid\n"
    assert state(batch) == "rejected"
    events = AuditEvent.select().where(AuditEvent.kind == "order.said_unpaid").order_by(AuditEvent.id)
    assert [(one.details["by"], one.details["signed_in"]) for one in events][-1] == ("piet", True)


def test_the_token_comes_from_a_file_or_is_typed(app: Flask, batch: Batch, tmp_path):
    jan = add(app, "jan")
    (tmp_path / "token").write_text(f"{jan}\n")
    given = {f"{TOKEN}_FILE": str(tmp_path / "token")}
    assert resolve(app, batch, "jan", **given).exit_code == 0
    arguments = ["order", "resolve", batch.reference, "--unpaid", "--reason", "again", "--by", "jan"]
    typed = app.test_cli_runner().invoke(args=arguments, input=f"{jan}\n", env={TOKEN: None})
    assert (typed.exit_code, jan in typed.output) == (0, False)
    assert resolve(app, batch, "jan", **{f"{TOKEN}_FILE": str(tmp_path / "absent")}).exit_code == 1


def test_only_an_operator_adds_a_further_one_and_a_name_is_given_once(app: Flask, batch: Batch):
    jan = add(app, "jan")
    assert run(app, "operator", "add", "piet", token="guessed").exit_code == 1
    assert run(app, "operator", "add", " JAN ", "--by", "jan", token=jan).exit_code == 1
    assert [row.name for row in Operator.select()] == ["jan"]
    piet = add(app, "piet", by="jan", token=jan)
    assert "piet" in run(app, "operator", "list").output and "added by jan" in run(app, "operator", "list").output
    assert run(app, "operator", "end", "jan", "--by", "piet", token=piet).exit_code == 0
    assert resolve(app, batch, "jan", token=jan).exit_code == 1
    assert run(app, "operator", "add", "jan", "--by", "piet", token=piet).exit_code == 1, "a name is given once"
    assert jan not in {row.token_hash for row in Operator.select()}
