"""Reauthentication, confirmed devices, sessions, rate limits and a forgotten password."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
import time_machine

import models
from core.clock import utcnow
from domain.accounts import accounts, passwords, rate_limits
from domain.accounts.devices import describe_user_agent
from domain.common.errors import RateLimited, SignInRefused, WeakPassword
from domain.outbox import mail as mails
from domain.team import registration
from jobs import mail_rendering
from models import Device, EmailToken, LoginSession, Membership, OutgoingMail, Pin, User
from tests.support.factories import Demo, make_client
from tests.support.web_client import Site, WebClient

PASSWORD = "een zin die niemand raadt"
OTHER = "een heel andere zin voor later"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def wouter(site: Site, hashed: str) -> User:
    user = User.create(email="w@demobv.example", name="Wouter", password_hash=hashed, email_confirmed_at=utcnow())
    make_client(user)
    return user


def sign_in(who: WebClient, email: str = "w@demobv.example", password: str = PASSWORD, agent: str = "") -> Any:
    headers = {"User-Agent": agent} if agent else {}
    return who.post("/inloggen", {"email": email, "password": password}, headers=headers)


def mailed(site: Site, kind: str) -> str:
    """Return the link in the newest mail of this kind."""
    assert OutgoingMail.select().where(OutgoingMail.kind == kind).exists()
    for mail_id in sorted(mails.due_mails()):  # in the order of writing
        mails.deliver_mail(mail_id, mail_rendering.write)
    (newest, *_) = site.sandbox.control("GET", "inbox")
    found = [link for link in newest["links"] if link.startswith("http")]
    return found[0].removeprefix("http://localhost:8000")


def stale() -> None:
    """Let five minutes pass without activity."""
    LoginSession.update(elevated_until=utcnow() - timedelta(seconds=1)).execute()


def settings_of(user: User) -> str:
    return f"/{Membership.get(Membership.user == user.id).client.public_id}/instellingen"


# --- reauthentication ---
def test_sensitive_actions_require_the_password_again(site: Site, wouter: User):
    who, page = site.person(wouter), f"{settings_of(wouter)}/passkeys"
    assert who.get(page).status_code == 200
    stale()
    answer = who.get(page)
    assert answer.headers["Location"].startswith("/bewijs?verder=")
    wrong = who.post(answer.headers["Location"], {"password": "verkeerd"})
    assert (wrong.status_code, "Dit wachtwoord klopt niet" in wrong.html) == (422, True)
    assert who.get(page).status_code == 303
    assert who.post(answer.headers["Location"], {"password": PASSWORD}).headers["Location"] == page
    assert who.get(page).status_code == 200


def test_reauthentication_replaces_the_session_token_and_nothing_else(site: Site, wouter: User):
    who = site.person(wouter)
    before, old = LoginSession.get(), str(who.cookie)
    stale()
    given = who.post("/bewijs", {"password": PASSWORD}).headers["Set-Cookie"]
    assert "Max-Age=1209600" in given and "HttpOnly" in given and "SameSite=Lax" in given
    after = LoginSession.get(LoginSession.user == wouter.id)
    assert who.cookie != old and after.token_hash != before.token_hash
    assert (after.created_at, after.device_id) == (before.created_at, before.device_id), "it lasts no longer"
    assert who.get(settings_of(wouter)).status_code == 200
    thief = site.person()
    thief.client.set_cookie("bz", old)
    assert thief.get(settings_of(wouter)).location.startswith("/inloggen")


def test_after_an_hour_activity_does_not_extend_it(site: Site, wouter: User):
    who, page, now = site.person(wouter), f"{settings_of(wouter)}/passkeys", utcnow()
    LoginSession.update(
        last_seen_at=now - timedelta(minutes=2), authenticated_at=now - timedelta(hours=1),
        elevated_until=now + timedelta(minutes=1)
    ).execute()
    assert who.get(page).status_code == 303


def test_polling_is_no_activity(owner: WebClient, demo: Demo):
    batch = demo.batch()
    before = utcnow() - timedelta(minutes=3)
    LoginSession.update(last_seen_at=before).execute()
    path = f"/{demo.client.public_id}/betalingen/{batch.reference}/status"
    owner.get(path, headers={"HX-Request": "true"})
    assert LoginSession.get().last_seen_at == before
    owner.get(path)
    assert LoginSession.get().last_seen_at > before


def test_paying_requires_reauthentication_and_a_confirmed_device(owner: WebClient, demo: Demo):
    batch = demo.batch()
    pay = f"/{demo.client.public_id}/betalingen/{batch.reference}/betalen"
    stale()
    assert owner.post(pay, {"shown": demo.view(batch).digest}).headers["Location"].startswith("/bewijs")
    LoginSession.update(elevated_until=utcnow() + timedelta(minutes=5)).execute()
    Device.update(confirmed_at=None, confirmed_by=None).execute()
    assert owner.post(pay, {"shown": demo.view(batch).digest}).headers["Location"].startswith("/apparaat")
    assert models.Release.select().count() == 0
    Device.update(confirmed_at=utcnow(), confirmed_by="mail").execute()
    owner.post(pay, {"shown": demo.view(batch).digest})
    assert models.Release.select().count() == 1


# --- restored forms ---
# A form's page, its target, the submitted values, and those restored afterwards.
SENT: dict[str, tuple[str, str, dict[str, str], tuple[str, ...]]] = {
    "invite": (
        "mensen/uitnodigen", "mensen/uitnodigen", {"email": "alek@demobv.example", "role": "approver", "to_sign": "y"},
        ('value="alek@demobv.example"', '<option selected value="approver">', '<input checked id="to_sign"'),
    ),
    "four eyes": ("mensen/vier-ogen", "mensen/vier-ogen", {"amount": "12.345,67"}, ('value="12.345,67"',)),
    "hidden lines": ("mensen", "mensen/regels", {"hidden": "y"}, ('<input checked id="hidden"',)),
    "wishes": ("instellingen", "instellingen/bank", {"batch_booking": "y"}, ('<input id="name_check"',)),
    "by hand": (
        "saldo/toevoegen/zonder-koppeling", "saldo/toevoegen/zonder-koppeling",
        {"iban": "NL91ABNA0417164300", "holder": "Elders BV"}, ('value="NL91ABNA0417164300"', 'value="Elders BV"'),
    ),
    "connect": (
        "apps/nmbrs/toevoegen", "apps/nmbrs/toevoegen", {"email": "salaris@demobv.example", "token": "tok-geheim-1"},
        ('value="salaris@demobv.example"',),
    ),
    "address": (
        "apps/nmbrs/{connection}/adres", "apps/nmbrs/{connection}/adres", {"keep": "24"}, ('value="24" checked',),
    ),
    "token": ("apps/nmbrs/{connection}/token", "apps/nmbrs/{connection}/token", {"token": "tok-geheim-2"}, ()),
    "pin": ("pincode", "pincode", {"pin": "824613", "again": "824613"}, ()),
}  # fmt: skip
SECRETS = ("tok-geheim-1", "tok-geheim-2", "824613")


def kinds() -> list[str]:
    return [event.kind for event in models.AuditEvent.select()]


@pytest.mark.parametrize("name", SENT)
def test_form_values_are_restored(owner: WebClient, demo: Demo, hashed: str, name: str):
    """But no secret, which is nowhere in the session; and nothing is done until the button is pressed again."""
    User.update(password_hash=hashed).execute()
    tail, act, sent, again = SENT[name]
    here = f"/{demo.client.public_id}"
    page, act = (f"{here}/{part.format(connection=demo.connection.id)}" for part in (tail, act))
    stale()
    asked = owner.post(act, sent, headers={"Referer": f"http://localhost{page}"})
    assert asked.headers["Location"] == f"/bewijs?verder={page}"
    assert not any(secret in str(LoginSession.get().data) for secret in SECRETS)
    unproved = LoginSession.get().data["typed"]
    assert owner.post(asked.headers["Location"], {"password": PASSWORD}).headers["Location"] == page
    shown = owner.get(page).html
    assert "Bevestigd. " in shown
    assert [part for part in again if part not in shown] == []
    assert not any(secret in shown for secret in SECRETS)
    assert set(kinds()) <= {"authority.checked", "authority.asked"}, "the page of accounts asks the register"
    assert unproved["proved"] is False
    once_more = owner.get(page).html
    assert [part for part in again if part in once_more] == [], "it is shown once"


def test_form_values_are_not_shown_without_reauthentication(owner: WebClient, demo: Demo):
    """Otherwise a box would seem checked that is not."""
    page = f"/{demo.client.public_id}/mensen"
    stale()
    owner.post(f"{page}/regels", {"hidden": "y"}, headers={"Referer": f"http://localhost{page}"})
    assert '<input checked id="hidden"' not in owner.get(page).html


def test_form_values_expire_and_belong_to_one_page(owner: WebClient, demo: Demo, hashed: str):
    User.update(password_hash=hashed).execute()
    page = f"/{demo.client.public_id}/mensen/vier-ogen"
    for verder, age in ((page, timedelta(minutes=16)), (f"/{demo.client.public_id}/saldo", timedelta())):
        stale()
        owner.post(page, {"amount": "12.345,67"}, headers={"Referer": f"http://localhost{page}"})
        row = LoginSession.get()
        row.data["typed"]["until"] = (utcnow() + timedelta(minutes=15) - age).isoformat()
        LoginSession.update(data=row.data).execute()
        owner.post(f"/bewijs?verder={verder}", {"password": PASSWORD})
        assert "12.345,67" not in owner.get(page).html


def test_without_referer_the_form_page_is_the_target(owner: WebClient, demo: Demo):
    page = f"/{demo.client.public_id}/mensen/vier-ogen"
    stale()
    assert owner.post(page, {"amount": "1"}).headers["Location"] == f"/bewijs?verder={page}"
    assert owner.post(f"/{demo.client.public_id}/mensen/regels").headers["Location"] == "/bewijs?verder=/"


def test_a_requested_page_is_shown_with_a_message(owner: WebClient, demo: Demo, hashed: str):
    User.update(password_hash=hashed).execute()
    page = f"/{demo.client.public_id}/mensen/uitnodigen"
    stale()
    asked = owner.get(page).headers["Location"]
    owner.post(asked, {"password": PASSWORD})
    assert "Je kunt verder" in owner.get(page).html


# --- devices ---
def test_a_new_device_sends_a_mail(site: Site, wouter: User):
    first, second = site.person(), site.person()
    sign_in(first)
    assert OutgoingMail.select().count() == 0
    sign_in(second, agent=IPHONE)
    assert [mail.kind for mail in OutgoingMail.select()] == ["new_device"]
    second.post("/uitloggen")
    sign_in(second, agent=IPHONE)
    assert OutgoingMail.select().count() == 1
    page = second.get(settings_of(wouter)).html
    assert "iPhone · Safari" in page


def test_a_device_is_confirmed_only_on_itself(site: Site, wouter: User):
    here, there = site.person(), site.person()
    sign_in(here)
    sign_in(there)
    here.post("/apparaat")
    path = mailed(site, "confirm_device")
    assert there.post(path).headers["Location"] == "/apparaat"
    assert Device.select().where(Device.confirmed_at.is_null(False)).count() == 0
    assert here.get(path).status_code == 200
    assert Device.select().where(Device.confirmed_at.is_null(False)).count() == 0
    here.post(path)
    assert [device.confirmed_by for device in Device.select().order_by(Device.id)] == ["mail", None]
    assert here.post(path).headers["Location"] == "/apparaat"


def test_after_a_device_is_confirmed_the_act_that_asked_it_goes_on(owner: WebClient, site: Site, demo: Demo):
    """Who wanted to pay lands on the payment, also after a link that did not work."""
    page = f"/{demo.client.public_id}/betalingen/{demo.batch().reference}"
    OutgoingMail.update(sent_at=utcnow()).execute()  # those of the payment
    Device.update(confirmed_at=None, confirmed_by=None).execute()
    seen_on = {"Referer": f"http://localhost{page}"}
    asked = owner.post(f"{page}/betalen", {"shown": "x"}, headers=seen_on).location
    assert asked.startswith("/apparaat?verder=")
    owner.post(asked)
    assert owner.post("/apparaat/wrong").location == asked
    link = mailed(site, "confirm_device")
    assert link.startswith("/apparaat/")
    assert owner.post(link).location == page
    elsewhere = owner.post("/apparaat?verder=https://other.example/")
    assert "other.example" not in elsewhere.location


def test_a_link_that_confirms_a_device_works_for_ten_minutes(site: Site, wouter: User):
    here = site.person()
    sign_in(here)
    here.post("/apparaat")
    path = mailed(site, "confirm_device")
    with time_machine.travel(utcnow() + timedelta(minutes=10, seconds=1), tick=False):
        assert here.post(path).location == "/apparaat"
    assert not Device.select().where(Device.confirmed_at.is_null(False)).exists()


def test_the_device_cookie_is_http_only(site: Site, wouter: User):
    answer = sign_in(site.person())
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("bzd=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert cookie.split(";")[0].removeprefix("bzd=") not in {device.token_hash for device in Device.select()}


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (IPHONE, "iPhone · Safari"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Windows · Edge"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Android · Chrome"),
        ("curl/8", ""),
    ],
)
def test_the_description_of_a_device(agent: str, told: str):
    assert describe_user_agent(agent) == told


# --- sessions ---
def test_only_own_sessions_can_be_revoked(site: Site, wouter: User):
    here, there = site.person(wouter), site.person(wouter)
    stranger = User.create(email="s@demobv.example", name="S", password_hash="-", email_confirmed_at=utcnow())
    make_client(stranger)
    keys = {row.token_hash[:24] for row in LoginSession.select().where(LoginSession.user == wouter.id)}
    for key in keys:
        site.person(stranger).post(f"{settings_of(stranger)}/sessies/{key}/uitloggen")
    assert LoginSession.select().where(LoginSession.user == wouter.id).count() == 2
    own = here.get(settings_of(wouter)).html
    (key,) = [key for key in keys if key in own]
    here.post(f"{settings_of(wouter)}/sessies/{key}/uitloggen")
    assert there.get(settings_of(wouter)).headers["Location"].startswith("/inloggen")
    assert here.get(settings_of(wouter)).status_code == 200


@pytest.mark.parametrize("path", ["/elders-uitloggen", "/sessies/{key}/uitloggen"])
def test_ending_sessions_asks_the_password_again(site: Site, wouter: User, path: str):
    here, _there = site.person(wouter), site.person(wouter)
    key = LoginSession.select().where(LoginSession.user == wouter.id)[1].token_hash[:24]
    stale()
    assert here.post(f"{settings_of(wouter)}{path.format(key=key)}").location.startswith("/bewijs?verder=")
    assert LoginSession.select().where(LoginSession.user == wouter.id).count() == 2


# --- forgotten password ---
def test_a_reset_ends_all_sessions_and_is_recorded(site: Site, wouter: User):
    elsewhere, who = site.person(wouter), site.person()
    who.post("/wachtwoord-vergeten", {"email": "W@demobv.example"})
    path = mailed(site, "reset_password")
    assert who.get(path).status_code == 200
    assert who.post(path, {"password": "wachtwoord"}).status_code == 422
    assert who.post(path, {"password": OTHER}).headers["Location"] == "/inloggen"
    assert who.post(path, {"password": PASSWORD}).status_code == 410
    assert elsewhere.get(settings_of(wouter)).headers["Location"].startswith("/inloggen")
    assert sign_in(who).status_code == 422
    assert sign_in(who, password=OTHER).status_code == 303
    assert User.get_by_id(wouter.id).password_reset_at is not None


def test_an_expired_reset_link_changes_nothing(site: Site, wouter: User):
    who = site.person()
    who.post("/wachtwoord-vergeten", {"email": "w@demobv.example"})
    EmailToken.update(expires_at=utcnow() - timedelta(seconds=1)).execute()
    assert who.post(mailed(site, "reset_password"), {"password": OTHER}).status_code == 410
    assert sign_in(who).status_code == 303


def test_changing_the_password_requires_the_old_one(site: Site, wouter: User):
    here, there = site.person(wouter), site.person(wouter)
    page = f"{settings_of(wouter)}/wachtwoord"
    assert here.post(page, {"old": OTHER, "password": OTHER}).status_code == 422
    assert here.post(page, {"old": PASSWORD, "password": OTHER}).status_code == 303
    assert here.get(page).status_code == 200
    assert there.get(page).status_code == 303


# --- account enumeration ---
class Counter:
    """Counts the work by kind: statements and hashes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: dict[str, int] = {}
        database, real_sql, real_turn = models.database.obj, models.database.obj.execute_sql, passwords._hash_slot

        def counted_sql(sql: str, *rest: Any, **options: Any) -> Any:
            self.add(sql[:6])
            return real_sql(sql, *rest, **options)

        def counted_turn() -> Any:
            self.add("hash")
            return real_turn()

        monkeypatch.setattr(database, "execute_sql", counted_sql)
        monkeypatch.setattr(passwords, "_hash_slot", counted_turn)

    def add(self, kind: str) -> None:
        self.counts[kind.lower()] = self.counts.get(kind.lower(), 0) + 1

    def of(self, act: Any) -> dict[str, int]:
        self.counts = {}
        act()
        return {kind: self.counts.get(kind, 0) for kind in ("insert", "hash")}


def refused(email: str) -> None:
    with pytest.raises(SignInRefused):
        accounts.sign_in_with_password(email, "verkeerd")


@pytest.mark.parametrize("act", ["request_password_reset", "resend_confirmation", "register", "sign_in"])
def test_known_and_unknown_addresses_take_the_same_work(
    act: str, site: Site, wouter: User, monkeypatch: pytest.MonkeyPatch
):
    User.update(email_confirmed_at=None if act == "resend_confirmation" else utcnow()).execute()
    counter, costs = Counter(monkeypatch), []
    for email in ("w@demobv.example", "niemand@demobv.example"):
        given = {
            "register": lambda email=email: registration.register_account("N", email, OTHER, "Demo BV", "68750110"),
            "sign_in": lambda email=email: refused(email),
        }
        costs.append(counter.of(given.get(act, lambda email=email: getattr(accounts, act)(email))))
    known, unknown = costs
    assert known["hash"] == unknown["hash"]
    assert abs(known["insert"] - unknown["insert"]) <= 1
    assert not User.select().where(User.email.endswith(".invalid")).exists()


# --- rate limits ---
@pytest.fixture
def in_quick_succession(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts a millisecond apart, however slow the machine: the first wait is only a second."""
    begin, ticks = utcnow(), itertools.count()
    monkeypatch.setattr(rate_limits, "utcnow", lambda: begin + timedelta(milliseconds=next(ticks)))


def test_attackers_wait_longer_but_the_owner_does_not(site: Site, wouter: User, in_quick_succession: None):
    own, stranger = site.person(), site.person()
    sign_in(own)
    own.post("/uitloggen")
    for _ in range(5):
        assert sign_in(stranger, password="verkeerd").status_code == 422
    stopped = sign_in(stranger)
    assert stopped.status_code == 429
    assert int(stopped.headers["Retry-After"]) >= 1
    assert "Probeer het over" in stopped.html
    assert sign_in(own).status_code == 303


def test_an_unknown_address_is_limited_alike(site: Site, wouter: User, in_quick_succession: None):
    answers = [sign_in(site.person(), "niemand@demobv.example", "verkeerd").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_waits_double_up_to_a_maximum(site: Site):
    rule = rate_limits.RULES["sign_in.account"]
    assert [rule.wait(n) for n in (1, 4, 5, 6, 7, 30)] == [0, 0, 1, 2, 4, 900]


@pytest.mark.parametrize("name", rate_limits.RULES)
def test_the_stored_wait_matches_the_rule(site: Site, name: str, monkeypatch: pytest.MonkeyPatch):
    now, rule = utcnow(), rate_limits.RULES[name]
    monkeypatch.setattr(rate_limits, "utcnow", lambda: now)
    rate_limits.consume_attempt(name, "x")
    for tries in {1, 2, *range(max(rule.burst - 2, 1), rule.burst + 13)}:
        models.RateLimitBucket.update(attempts=tries, retry_at=now, last_attempt_at=now).execute()
        rate_limits.consume_attempt(name, "x")
        row = models.RateLimitBucket.get()
        assert (row.attempts, row.retry_at - now) == (tries + 1, timedelta(seconds=rule.wait(tries + 1)))


def test_successes_are_refunded_and_attempts_expire(site: Site):
    for _ in range(20):
        rate_limits.consume_attempt("mail.account", "x")
        rate_limits.refund("mail.account", "x")
    for _ in range(3):
        rate_limits.consume_attempt("mail.account", "x")
    with pytest.raises(RateLimited):
        rate_limits.consume_attempt("mail.account", "x")
    models.RateLimitBucket.update(last_attempt_at=utcnow() - timedelta(hours=2)).execute()
    rate_limits.consume_attempt("mail.account", "x")
    assert models.RateLimitBucket.get().attempts == 1


@pytest.mark.parametrize(
    ("ip", "net"), [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::/64"), ("?", "unknown")]
)
def test_a_subnet_counts_as_one_address(ip: str, net: str):
    assert rate_limits.client_subnet(ip) == net


def test_common_passwords_are_refused():
    for password in ("iloveyou1", "Superman1", "wachtwoord123"):
        with pytest.raises(WeakPassword, match="common"):
            passwords.check_password(password)


def test_at_most_two_concurrent_hashes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "MAX_WAIT_SECONDS", 0.01)
    with passwords._hash_slot(), passwords._hash_slot(), pytest.raises(RateLimited):
        passwords.hash_password("x")
    assert passwords.hash_password("x").startswith("$argon2id$")


def test_the_null_origin_is_refused(site: Site, wouter: User):
    who = site.person(wouter)
    assert who.post("/uitloggen", headers={"Origin": "null"}).status_code == 403
    assert Pin.select().count() == 0


# --- company search ---
def test_company_search_is_rate_limited(site: Site):
    """The number of register searches is limited; registration stays possible."""
    who = site.person()
    for _ in range(rate_limits.RULES["register.search"].burst):
        assert "Te veel zoekopdrachten" not in who.get("/registreren/bedrijf?zoek=Demo").html
        who.get("/registreren/bedrijf?zoek=")  # an empty search is not sent and not counted
    who.get("/registreren/bedrijf?zoek=Demo")
    assert "Te veel zoekopdrachten" in who.get("/registreren/bedrijf?zoek=Demo").html
    assert who.get("/registreren").status_code == 200
