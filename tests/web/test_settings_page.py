"""Settings: the account, limits and sessions."""


from models import Client, LoginSession, Membership
from tests.support.factories import Demo, make_user
from tests.support.web_client import Site, WebClient


def test_it_shows_account_members_limits_and_help(owner: WebClient, demo: Demo):
    Membership.create(user=make_user(name="Anna Smit"), client=demo.client, role="preparer")
    page = owner.open(f"/{demo.client.public_id}/instellingen")
    for text in ("Demo BV", "68750110", demo.user.email, "Wouter de Jong (jij)", "Anna Smit", "voorbereider",
                 "per betaling € 100.000,00", "per dag € 250.000,00", "NL95 INGB 0004 9218 36"):  # fmt: skip
        assert text in page.text
    assert page.all("main a[href='mailto:support@bizcuit.nl']")
    assert page.all("form[action='/uitloggen'] button")


def test_logging_out_elsewhere_ends_only_this_persons_other_sessions(site: Site, demo: Demo, charlie: WebClient):
    here, phone, tablet = (site.person(demo.user) for _ in range(3))
    page = here.open(f"/{demo.client.public_id}/instellingen")
    assert page.text.count("Ander apparaat") == 2
    here.post(f"/{demo.client.public_id}/instellingen/elders-uitloggen")
    page = here.open(f"/{demo.client.public_id}/instellingen")
    assert "Je bent uitgelogd op 2 andere apparaten." in page.text
    assert page.all("form[action$='elders-uitloggen']") == []
    for other in (phone, tablet):
        assert other.get(f"/{demo.client.public_id}/instellingen").location.startswith("/inloggen")
    assert charlie.open("/").status_code == 200
    assert LoginSession.select().where(LoginSession.user == demo.user.id).count() == 1


def test_another_client_sees_no_settings(charlie: WebClient, demo: Demo):
    assert charlie.get(f"/{demo.client.public_id}/instellingen").status_code == 404


# --- payment preferences ---
def wishes(demo: Demo) -> tuple[bool, bool]:
    client = Client.get_by_id(demo.client.id)
    return client.batch_booking, client.vop_enabled


def test_the_owner_sets_batch_booking_and_verification(owner: WebClient, demo: Demo):
    here = f"/{demo.client.public_id}/instellingen"
    page = owner.open(here)
    assert [box.get("name") for box in page.all("form[action$='/bank'] input[checked]")] == [
        "batch_booking", "name_check",
    ]  # fmt: skip
    assert owner.post(f"{here}/bank", name_check="y").status_code == 303
    assert wishes(demo) == (False, True)
    page = owner.open(here)
    assert "Opgeslagen. Geldt voor alles wat je vanaf nu goedkeurt." in page.text
    assert [box.get("name") for box in page.all("form[action$='/bank'] input[checked]")] == ["name_check"]
    owner.post(f"{here}/bank", name_check="y")
    assert "Er is niets veranderd." in owner.open(here).text


def test_other_roles_see_the_preferences_read_only(site: Site, demo: Demo):
    anna = make_user(name="Anna Smit")
    Membership.create(user=anna, client=demo.client, role="approver")
    other, here = site.person(anna), f"/{demo.client.public_id}/instellingen"
    page = other.open(here)
    assert page.all("form[action$='/bank']") == []
    assert "één bedrag, zonder namen" in page.text
    assert other.post(f"{here}/bank").status_code == 403
    assert wishes(demo) == (True, True)


def test_a_payment_shows_the_preferences(owner: WebClient, demo: Demo):
    batch = demo.batch()
    here = f"/{demo.client.public_id}/betalingen/{batch.reference}"
    assert "Op je afschrift: in één bedrag, zonder namen." in owner.open(here).text
    assert "namen worden niet gecontroleerd" not in owner.open(here).text
    owner.post(f"/{demo.client.public_id}/instellingen/bank")
    page = owner.open(here)
    assert "Op je afschrift: per regel, met namen." in page.text
    assert "De namen worden niet gecontroleerd, volgens je instellingen." in page.text
