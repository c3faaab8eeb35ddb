"""Settings: who one is here, what may be paid, where one is signed in."""

from flask import Flask

from models import LoginSession, Membership
from tests.support.screens import Browser
from tests.support.world import Demo, make_user


def test_it_shows_account_members_limits_and_help(wouter: Browser, demo: Demo):
    Membership.create(user=make_user(name="Anna Smit"), client=demo.client, role="preparer")
    page = wouter.open(f"/{demo.client.public_id}/instellingen")
    for text in ("Demo BV", "68750110", demo.user.email, "Wouter de Jong (jij)", "Anna Smit", "bereidt voor",
                 "per betaling € 100.000,00", "per dag € 250.000,00", "NL95 INGB 0004 9218 36"):  # fmt: skip
        assert text in page.text
    assert page.all("main a[href='mailto:support@bizcuit.nl']")
    assert page.all("form[action='/uitloggen'] button")


def test_signing_out_elsewhere_ends_every_other_session_of_this_person_alone(app: Flask, demo: Demo, charlie: Browser):
    here, phone, tablet = (Browser(app, demo.user) for _ in range(3))
    page = here.open(f"/{demo.client.public_id}/instellingen")
    assert page.text.count("Ergens anders") == 2
    here.post(f"/{demo.client.public_id}/instellingen/elders-uitloggen")
    page = here.open(f"/{demo.client.public_id}/instellingen")
    assert "Je bent op 2 andere plekken uitgelogd." in page.text
    assert page.all("form[action$='elders-uitloggen']") == []
    for other in (phone, tablet):
        assert other.get(f"/{demo.client.public_id}/instellingen").location.startswith("/inloggen")
    assert charlie.open("/").status == 200
    assert LoginSession.select().where(LoginSession.user == demo.user.id).count() == 1


def test_another_client_sees_no_settings(charlie: Browser, demo: Demo):
    assert charlie.get(f"/{demo.client.public_id}/instellingen").status == 404
