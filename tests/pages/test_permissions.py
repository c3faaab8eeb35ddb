"""Who may do what in a client: every route × nobody, someone else, a preparer, an owner. A new route must be added."""

from dataclasses import dataclass

import pytest
from flask import Flask, url_for

import models
from models import AuditEvent, Batch, Membership, PayrollCompany, User
from tests.support.site import Person, Site
from tests.support.world import Demo, make_client, make_user


@dataclass(frozen=True)
class Right:
    """What an owner and a preparer get at a route: the status of the answer."""

    owner: int
    preparer: int


PAGE, ON, SAID = Right(200, 200), Right(303, 303), Right(422, 422)
OWNER_ONLY = Right(303, 403)

# On a client that is all set up, with one open payment; forms are sent empty but for their token.
RIGHTS = {
    ("nmbrs.apps", "GET"): PAGE,
    ("nmbrs.overview", "GET"): PAGE,
    ("nmbrs.settings", "GET"): PAGE,
    ("nmbrs.save", "POST"): ON,
    ("nmbrs.connect", "GET"): PAGE,
    ("nmbrs.connect", "POST"): SAID,
    ("nmbrs.consent", "POST"): ON,
    ("nmbrs.rights", "GET"): PAGE,
    ("nmbrs.rights", "POST"): ON,
    ("nmbrs.new_address", "GET"): PAGE,
    ("nmbrs.new_address", "POST"): SAID,
    ("nmbrs.renew_token", "GET"): PAGE,
    ("nmbrs.renew_token", "POST"): SAID,
    ("nmbrs.consent_again", "POST"): ON,
    ("nmbrs.move", "GET"): Right(200, 403),
    ("nmbrs.move", "POST"): OWNER_ONLY,
    ("nmbrs.remove", "GET"): Right(200, 403),
    ("nmbrs.remove", "POST"): OWNER_ONLY,
    ("nmbrs.entry", "GET"): PAGE,
    ("nmbrs.take_in_again", "POST"): ON,
    ("nmbrs.older", "GET"): PAGE,
    ("nmbrs.pick", "POST"): ON,
    ("batches.every", "GET"): PAGE,
    ("batches.one", "GET"): PAGE,
    ("batches.accept_all", "POST"): ON,
    ("batches.pay", "POST"): OWNER_ONLY,
    ("batches.sign", "POST"): OWNER_ONLY,
    ("batches.signing_page", "GET"): OWNER_ONLY,  # nothing to be signed: on to the payment
    ("batches.challenge_image", "GET"): Right(404, 403),
    ("batches.log_in", "POST"): OWNER_ONLY,
    ("batches.choose_method", "POST"): OWNER_ONLY,
    ("batches.give_code", "POST"): OWNER_ONLY,
    ("batches.stop", "POST"): OWNER_ONLY,
    ("batches.again", "POST"): OWNER_ONLY,
    ("batches.pin", "GET"): OWNER_ONLY,
    ("batches.pin", "POST"): OWNER_ONLY,
    ("batches.ask_passkey", "POST"): Right(409, 403),  # without what was shown
    ("batches.sign_with_passkey", "POST"): OWNER_ONLY,
    ("settings.sign_out_there", "POST"): ON,
    ("settings.show_passkeys", "GET"): PAGE,
    ("settings.ask_passkey", "POST"): PAGE,
    ("settings.add_passkey", "POST"): ON,
    ("settings.rename_passkey", "POST"): Right(404, 404),
    ("settings.remove_passkey", "POST"): Right(404, 404),
    ("settings.change_password", "GET"): PAGE,
    ("settings.change_password", "POST"): SAID,
    ("batches.judge", "POST"): ON,
    ("batches.status", "GET"): ON,
    ("batches.read", "GET"): ON,  # nothing to be read: on to the payment
    ("batches.read", "POST"): OWNER_ONLY,
    ("batches.bank_file", "GET"): OWNER_ONLY,  # of a payment that was not sent: on to it
    ("batches.bank_file", "POST"): OWNER_ONLY,
    ("batches.take_file", "GET"): OWNER_ONLY,  # a look takes nothing: on to the payment
    ("batches.take_file", "POST"): OWNER_ONLY,
    ("batches.say_of_file", "GET"): OWNER_ONLY,  # nobody took a file: on to the payment
    ("batches.say_of_file", "POST"): OWNER_ONLY,
    ("batches.cancel", "GET"): OWNER_ONLY,  # nothing is at the bank: on to the payment
    ("batches.cancel", "POST"): OWNER_ONLY,
    ("batches.keep_payment", "POST"): OWNER_ONLY,
    ("batches.judge_name", "POST"): OWNER_ONLY,
    ("batches.go_on_with_names", "POST"): OWNER_ONLY,
    ("batches.change", "GET"): PAGE,
    ("batches.change", "POST"): SAID,
    ("onboarding.identify", "GET"): PAGE,
    ("onboarding.identify", "POST"): ON,
    ("onboarding.ask_register_again", "POST"): ON,
    ("onboarding.confirm_code", "POST"): SAID,
    ("onboarding.invite_second_signer", "POST"): Right(422, 403),
    ("onboarding.pin", "GET"): PAGE,
    ("onboarding.pin", "POST"): SAID,
    ("onboarding.welcome", "GET"): PAGE,
    ("settings.settings", "GET"): PAGE,
    ("settings.sign_out_elsewhere", "POST"): ON,
    ("settings.wish", "POST"): OWNER_ONLY,
    ("overview.overview", "GET"): PAGE,
    ("bank.balances", "GET"): PAGE,
    ("bank.refresh", "POST"): ON,
    ("bank.renew", "POST"): ON,
    ("bank.bookings", "GET"): PAGE,
    ("bank.add", "GET"): Right(200, 303),  # who has not identified goes there first
    ("bank.add", "POST"): Right(422, 303),
    ("bank.add_by_hand", "GET"): Right(200, 303),
    ("bank.add_by_hand", "POST"): Right(422, 303),
    ("bank.confirm_holder", "GET"): PAGE,
    ("bank.confirm_holder", "POST"): ON,
}
ROUTES = pytest.mark.parametrize(("endpoint", "method"), sorted(RIGHTS), ids=map("-".join, sorted(RIGHTS)))

# Those whose address names a thing of the client besides the client itself.
OF_NOTHING = (
    "batches.every",
    "nmbrs.apps",
    "nmbrs.overview",
    "nmbrs.connect",
    "nmbrs.consent",
    "nmbrs.older",
    "nmbrs.pick",
)
THINGS = ("batches.", "bank.confirm", "bank.renew", "bank.bookings", "nmbrs.")
OF_A_THING = [key for key in sorted(RIGHTS) if key[0].startswith(THINGS) and key[0] not in OF_NOTHING]


@pytest.fixture
def batch(demo: Demo) -> Batch:
    return demo.batch()


@pytest.fixture
def preparer(demo: Demo) -> User:
    user = make_user(name="Lisanne Schuurman")
    Membership.create(user=user, client=demo.client, role="preparer")
    models.Pin.create(user=user, pin_hash="-")
    return user


def address(app: Flask, endpoint: str, demo: Demo, batch: Batch) -> str:
    """The route's address for this client and its things."""
    (rule,) = list(app.url_map.iter_rules(endpoint))
    known = {
        "client": demo.client.public_id, "reference": batch.reference, "line_id": demo.view(batch).lines[0].id,
        "link_id": demo.link.id, "connection_id": demo.connection.id, "run_id": batch.run_id,
        "account_id": demo.account.id, "verdict": "betaald",
        "passkey_id": 1, "key": "x" * 24,
    }  # fmt: skip
    with app.test_request_context():
        path = url_for(endpoint, **{name: known[name] for name in rule.arguments})
    return f"{path}?verdict=refuse" if endpoint == "batches.judge" else path


def ask(who: Person, method: str, path: str) -> int:
    return (who.get(path) if method == "GET" else who.post(path)).status_code


def as_it_is(demo: Demo) -> tuple:
    """What may not have changed by a request of someone who may not."""
    lines = [(line.id, line.state) for line in demo.view(Batch.get()).lines]
    mapped = [(row.id, row.bank_account_id) for row in PayrollCompany.select()]
    return AuditEvent.select().count(), Batch.get().state, lines, mapped


def test_every_route_of_a_client_has_an_expectation(site: Site):
    found = {
        (rule.endpoint, method)
        for rule in site.app.url_map.iter_rules()
        if "client" in rule.arguments
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert found == set(RIGHTS)


@pytest.fixture
def stranger() -> User:
    """Owner of another client."""
    user = make_user(name="Charlie")
    make_client(user)
    return user


@ROUTES
def test_who_is_no_member_gets_nothing(
    site: Site, demo: Demo, batch: Batch, stranger: User, endpoint: str, method: str
):
    """Nobody is led to sign-in; another owner finds nothing, also not by way of the own client's address."""
    path, before = address(site.app, endpoint, demo, batch), as_it_is(demo)
    nobody, other = site.person(), site.person(stranger)
    answer = nobody.get(path) if method == "GET" else nobody.post(path)
    assert (answer.status_code, answer.headers["Location"].partition("=")[0]) == (303, "/inloggen?verder")
    assert ask(other, method, path) == 404
    if (endpoint, method) in OF_A_THING:
        own = str(Membership.get(Membership.user == stranger.id).client.public_id)
        assert ask(other, method, path.replace(str(demo.client.public_id), own)) == 404
    assert as_it_is(demo) == before


@ROUTES
def test_a_preparer(site: Site, demo: Demo, batch: Batch, preparer: User, endpoint: str, method: str):
    path, before = address(site.app, endpoint, demo, batch), as_it_is(demo)
    wanted = RIGHTS[(endpoint, method)].preparer
    assert ask(site.person(preparer), method, path) == wanted
    assert wanted != 403 or as_it_is(demo) == before


@ROUTES
def test_an_owner(site: Site, demo: Demo, batch: Batch, owner: Person, endpoint: str, method: str):
    path = address(site.app, endpoint, demo, batch)
    assert ask(owner, method, path) == RIGHTS[(endpoint, method)].owner


def test_a_payment_of_another_is_not_there_by_its_short_address_either(
    site: Site, demo: Demo, batch: Batch, stranger: User
):
    path = f"/betalingen/{batch.reference}"
    assert site.person(demo.user).get(path).status_code == 303
    assert site.person(stranger).get(path).status_code == 404
    assert site.person(stranger).get("/betalingen/20260101000000-00000").status_code == 404


def test_a_fragment_tells_nobody_anything(site: Site, demo: Demo, batch: Batch):
    path = f"/{demo.client.public_id}/betalingen/{batch.reference}/status"
    answer = site.person().get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.data) == (401, b"")
    assert answer.headers["HX-Redirect"].startswith("/inloggen?")


def test_a_member_that_was_taken_out_is_out_at_once(site: Site, demo: Demo, owner: Person):
    path = f"/{demo.client.public_id}/instellingen"
    assert owner.get(path).status_code == 200
    Membership.delete().where(Membership.user == demo.user.id).execute()
    assert owner.get(path).status_code == 404
