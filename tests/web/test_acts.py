"""The table of acts: every route that changes something is in it, and each demand is really made.

Of each act, each demand is left out in turn: the request is refused, and no row of any table changes. What the door
asks is tried on every route; PIN, authority and people are tried where the act can be done.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from blueprints.web.acts import ACTS, HARMLESS, Act, Authority, Proof
from core.clock import utcnow
from models import Device, LoginSession
from tests.support.prepared_site import PreparedSite
from tests.support.web_client import Page
from tests.web.test_permissions import FORMS

SAFE = {"GET", "HEAD", "OPTIONS"}
PEOPLE_OF = {"owner": "owner", "approver": "approver", "preparer": "preparer"}


def changing(app: Flask) -> Iterator[str]:
    """Every endpoint that takes something else than a GET."""
    return iter({rule.endpoint for rule in app.url_map.iter_rules() if set(rule.methods or ()) - SAFE})


def act_of(app: Flask, endpoint: str) -> str | None:
    return getattr(app.view_functions[endpoint], "act", None)


def routes(app: Flask) -> dict[str, Act]:
    """The act of each endpoint that changes something."""
    found = {endpoint: act_of(app, endpoint) for endpoint in changing(app)}
    return {endpoint: ACTS[name] for endpoint, name in sorted(found.items()) if name}


def press(site: PreparedSite, who: str, endpoint: str) -> Page:
    form = FORMS[endpoint](site) if endpoint in FORMS else {}
    return site.ask(who, "POST", site.address(endpoint, "POST"), form)


def let_in(site: PreparedSite, who: str, endpoint: str, leads: str) -> list[str]:
    """Return what is wrong if this is not refused by a redirect to `leads` with nothing written."""
    answer = press(site, who, endpoint)
    refused = answer.status_code == 303 and answer.location.partition("?")[0].endswith(leads)
    wrong = [] if refused else [f"{endpoint}: {answer.status_code} {answer.headers.get('Location')}"]
    wrong += [f"{endpoint}: {site.written()} is written"] if site.written() else []
    site.back()
    return wrong


# --- the table is whole ---------------------------------------------------------------------------
def test_every_route_that_changes_something_is_an_act_or_harmless(app: Flask):
    found = {endpoint: act_of(app, endpoint) for endpoint in changing(app)}
    assert {endpoint for endpoint, name in found.items() if not name} == set(HARMLESS)
    assert {name for name in found.values() if name} == set(ACTS)


def test_an_act_with_weaker_proof_than_an_approval_says_why():
    for name, act in ACTS.items():
        assert (act.recent and act.device) or act.why, name


def test_the_table_for_readers_is_this_table():
    text = (Path(__file__).parents[2] / "docs/security.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", text, re.M)
    said = {name: [cell.strip() for cell in rest.split(" | ")] for name, rest in rows}
    assert said == {name: row_of(act) for name, act in ACTS.items()}


def row_of(act: Act) -> list[str]:
    """The cells of an act in the table for readers."""
    yes = {True: "yes", False: "no"}
    roles = ", ".join(role for role in ("owner", "approver", "preparer") if role in act.roles)
    what = f"{act.what} ({act.why})" if act.why else act.what
    return [what, roles, yes[act.recent], yes[act.device], act.proof, act.authority, act.people]


# --- what the door asks ---------------------------------------------------------------------------
def test_without_a_recent_authentication_nothing_is_done(prepared: PreparedSite):
    """And with one, which lasts for five minutes of inactivity, it is not asked again."""
    asked = [endpoint for endpoint, act in routes(prepared.app).items() if act.recent]
    again = [one for one in asked if press(prepared, "owner", one).headers.get("Location", "").startswith("/bewijs")
             or prepared.back()]  # fmt: skip
    assert again == []
    wrong = []
    for endpoint in asked:
        LoginSession.update(elevated_until=utcnow() - timedelta(seconds=1)).execute()
        wrong += let_in(prepared, "owner", endpoint, "/bewijs")
    assert wrong == []


def test_on_a_device_that_is_not_confirmed_nothing_is_done(prepared: PreparedSite):
    wrong, kept = [], prepared.rows
    for endpoint in [one for one, act in routes(prepared.app).items() if act.device]:
        Device.update(confirmed_at=None, confirmed_by=None).execute()
        prepared.rows = prepared._rows()
        wrong += let_in(prepared, "owner", endpoint, "/apparaat")
    prepared.rows = kept
    assert wrong == []


@pytest.mark.parametrize("who", sorted(PEOPLE_OF))
def test_another_role_does_nothing(prepared: PreparedSite, who: str):
    wrong = []
    for endpoint, act in routes(prepared.app).items():
        if who not in act.roles:
            status = press(prepared, who, endpoint).status_code
            wrong += [] if (status, prepared.written()) == (403, set()) else [(endpoint, status, prepared.written())]
            prepared.back()
    assert wrong == []


def test_who_may_not_sign_does_nothing(prepared: PreparedSite):
    acts = routes(prepared.app)
    asked = [endpoint for endpoint, act in acts.items() if act.authority == Authority.AT_THE_DOOR]
    assert [one for endpoint in asked for one in let_in(prepared, "unidentified", endpoint, "/identificatie")] == []


def test_an_act_that_asks_a_pin_asks_a_recent_login_and_a_confirmed_device(app: Flask):
    """Their PIN is asked on a page of its own: tests of each act enter a wrong one (`test_acts_of_money`)."""
    asks = (Proof.PIN, Proof.RELEASE)
    assert all(act.recent and act.device for act in routes(app).values() if act.proof in asks)
