"""Identification on the pages: error messages, and the return in another browser."""

import html
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests

from core.clock import utcnow
from domain.identity import identification
from domain.outbox import mail
from jobs import mail_rendering
from models import Authority, Identification, IdentificationAttempt, Invitation, Membership, User
from tests.support.factories import Demo, make_client, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient

CODE = re.compile(r">(\d{4}) (\d{4})<")


@pytest.fixture
def newcomer(site: Site) -> WebClient:
    """A logged-in user with a company, not identified."""
    user = make_user()
    make_client(user)
    return site.person(user)


def place(who: WebClient, page: str = "identificatie") -> str:
    user_id = int(who.site.app.session_interface.open_session(who.site.app, Cookies(who)).get("_user_id"))  # type: ignore[union-attr, arg-type]
    return f"/{Membership.get(Membership.user == user_id).client.public_id}/{page}"


class Cookies:
    """The part of a request that is needed to find its session."""

    def __init__(self, who: WebClient):
        self.cookies, self.path, self.headers = {"bz": who.cookie}, "/", {}


def to_broker(who: WebClient) -> str:
    """Press the button; return the broker's URL."""
    answer = who.post(place(who))
    assert answer.status_code == 303
    return answer.headers["Location"]


def says(address: str, person: str = "wouter", **pressed: str) -> str:
    """Select an identity on the broker's page; return the redirect's path."""
    answer = requests.post(address, data=pressed or {"person": person}, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def told(who: WebClient, path: str) -> str:
    """Return the resulting page as text."""
    answer = who.get(path)
    if answer.status_code == 303:
        answer = who.get(answer.headers["Location"])
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", answer.html))


def test_an_identified_and_authorised_person_continues(newcomer: WebClient):
    assert "mag voor Demo BV tekenen" in told(newcomer, says(to_broker(newcomer)))
    assert Authority.get().answer == "authorised"


def test_cancelling_says_that_nothing_was_shared(newcomer: WebClient):
    back = says(to_broker(newcomer), cancel="1")
    assert "Je hebt de identificatie geannuleerd. Er is niets gedeeld." in told(newcomer, back)
    assert "Identificeer met iDIN" in told(newcomer, place(newcomer))


def test_an_answer_works_once(newcomer: WebClient):
    back = says(to_broker(newcomer))
    told(newcomer, back)
    assert "verlopen of al gebruikt" in told(newcomer, back)
    assert Identification.select().count() == 1


def test_a_late_answer_is_refused(newcomer: WebClient):
    back = says(to_broker(newcomer))
    IdentificationAttempt.update(started_at=utcnow() - identification.ATTEMPT_LIFE - timedelta(seconds=1)).execute()
    assert "verlopen of al gebruikt" in told(newcomer, back)
    assert Identification.select().count() == 0


def test_a_swapped_state_is_refused(newcomer: WebClient, site: Site):
    """The answer to another person's request, in my browser, with my state or theirs."""
    mine, theirs = to_broker(newcomer), says(to_broker(site.person(make_client(make_user()).user)))
    my_state = re.search(r"state=([^&]+)", mine)
    assert my_state
    swapped = re.sub(r"state=[^&]+", f"state={my_state[1]}", theirs)
    assert "verlopen of al gebruikt" in told(newcomer, swapped)
    assert "verlopen of al gebruikt" in told(newcomer, "/identificatie/terug?state=none&code=x")
    assert Identification.select().count() == 0


def test_another_identity_than_before_is_refused(newcomer: WebClient):
    told(newcomer, says(to_broker(newcomer)))
    assert "van iemand anders dan de vorige keer" in told(newcomer, says(to_broker(newcomer), "naomi"))
    assert Identification.select().count() == 1


@pytest.mark.parametrize(
    "fault",
    ["wrong_audience", "azp_ours", "wrong_issuer", "expired_token", "unsigned", "wrong_signature", "wrong_nonce",
     "mix_up", "old_auth_time", "wrong_level", "other_subject"],
)  # fmt: skip
def test_an_invalid_answer_is_refused(newcomer: WebClient, sandbox: Sandbox, fault: str):
    sandbox.fault(**{f"broker_{fault}": True})
    assert "Identificatie mislukt" in told(newcomer, says(to_broker(newcomer)))
    assert Identification.select().count() == 0


def test_an_unreachable_broker(newcomer: WebClient, sandbox: Sandbox):
    back = says(to_broker(newcomer))
    sandbox.fault(broker_down=True)
    assert "iDIN is nu niet bereikbaar" in told(newcomer, back)


def test_an_unreachable_register_keeps_the_identification(newcomer: WebClient, sandbox: Sandbox):
    sandbox.fault(kvk_down=True)
    assert "Je identificatie is bewaard" in told(newcomer, says(to_broker(newcomer)))
    sandbox.fault(kvk_down=False)
    answer = newcomer.post(place(newcomer) + "/opnieuw")
    assert (answer.status_code, Authority.get().answer) == (303, "authorised")


# --- return in another browser ---
def elsewhere(who: WebClient, person: str = "wouter") -> str:
    """Identify, and return in a browser without session; return the code it shows."""
    page = who.site.person().get(says(to_broker(who), person)).html
    found = CODE.search(page)
    assert found, page
    return found[1] + found[2]


def test_another_browser_shows_a_code_without_identifying(newcomer: WebClient, site: Site):
    stranger = site.person()
    page = told(stranger, says(to_broker(newcomer)))
    assert "Ga terug naar Bizcuit" in page
    assert "Deel de code met niemand" in page
    assert Identification.select().count() == 0


def test_the_code_completes_the_identification(newcomer: WebClient):
    code = elsewhere(newcomer)
    assert "Vul hier de acht cijfers in die je in die browser ziet" in told(newcomer, place(newcomer))
    answer = newcomer.post(place(newcomer) + "/code", {"code": f"{code[:4]} {code[4:]}"})
    assert (answer.status_code, Identification.select().count(), Authority.get().answer) == (303, 1, "authorised")
    again = newcomer.post(place(newcomer) + "/code", {"code": code})
    assert "verlopen of al gebruikt" in told(newcomer, again.headers["Location"])
    assert Identification.select().count() == 1


def test_the_code_does_not_work_in_another_session(newcomer: WebClient, site: Site):
    """Neither for a reader of the code, nor for the same person on another device."""
    code = elsewhere(newcomer)
    for other in (site.person(make_client(make_user()).user), site.person(User.get())):
        answer = other.post(place(other) + "/code", {"code": code})
        assert "verlopen of al gebruikt" in told(other, answer.headers["Location"])
    assert Identification.select().count() == 0


def test_five_wrong_codes_end_the_attempt(newcomer: WebClient):
    code = elsewhere(newcomer)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for left in (4, 3, 2, 1):
        answer = newcomer.post(place(newcomer) + "/code", {"code": wrong})
        assert answer.status_code == 422
        assert f"nog {left} keer" in answer.html
    answer = newcomer.post(place(newcomer) + "/code", {"code": wrong})
    assert "Begin opnieuw met identificeren" in told(newcomer, answer.headers["Location"])
    newcomer.post(place(newcomer) + "/code", {"code": code})
    assert Identification.select().count() == 0


def test_a_code_lasts_ten_minutes(newcomer: WebClient):
    code = elsewhere(newcomer)
    IdentificationAttempt.update(returned_at=utcnow() - identification.CODE_LIFE - timedelta(seconds=1)).execute()
    newcomer.post(place(newcomer) + "/code", {"code": code})
    assert Identification.select().count() == 0


@pytest.mark.parametrize("typed", ["", "1234567", "123456789", "abcdefgh"])
def test_a_malformed_code_costs_no_attempt(newcomer: WebClient, typed: str):
    elsewhere(newcomer)
    answer = newcomer.post(place(newcomer) + "/code", {"code": typed})
    assert (answer.status_code, IdentificationAttempt.get().code_attempts) == (422, 0)


def test_a_return_in_another_browser_gets_all_checks(newcomer: WebClient, site: Site, sandbox: Sandbox):
    sandbox.fault(broker_azp_ours=True)
    page = told(site.person(), says(to_broker(newcomer)))
    assert "Identificatie mislukt" in page
    assert "Ga terug naar de browser of app waarin je begon" in page
    sandbox.fault(broker_azp_ours=False)
    told(newcomer, says(to_broker(newcomer)))
    code = elsewhere(newcomer, "naomi")
    answer = newcomer.post(place(newcomer) + "/code", {"code": code})
    assert "van iemand anders dan de vorige keer" in told(newcomer, answer.headers["Location"])


def test_the_pending_answer_is_encrypted(newcomer: WebClient):
    code = elsewhere(newcomer)
    row = IdentificationAttempt.get()
    assert row.identity_encrypted is not None
    assert "Jong" not in row.identity_encrypted
    assert code not in str(row.__data__)


# --- joint signing ---
@pytest.fixture
def together(site: Site, demo: Demo) -> WebClient:
    """Identified, with joint authority according to the register."""
    demo.client.kvk_number = "90000005"
    demo.client.save()
    Authority.update(answer="undetermined", reason="together").execute()
    return site.person(demo.user)


def invite(who: WebClient, email: str) -> str:
    """Invite this address; return the path in the mail."""
    assert who.post(place(who) + "/samen", {"email": email}).status_code == 303
    for mail_id in mail.due_mails():
        mail.deliver_mail(mail_id, mail_rendering.write)
    (newest, *_) = who.site.sandbox.control("GET", "inbox")
    assert newest["to"] == email
    (link,) = {link for link in newest["links"] if "/uitnodiging/" in link}
    return urlsplit(link).path


def test_a_co_signer_is_invited_and_both_identify(together: WebClient, site: Site):
    assert "Nodig de bestuurder uit" in told(together, place(together))
    path = invite(together, "naomi@demobv.example")
    assert "We wachten op naomi@demobv.example" in told(together, place(together))
    stranger = site.person()
    assert "samen voor Demo BV te tekenen" in told(stranger, path)
    assert Invitation.get().accepted_at is None
    answer = stranger.post(path, {"name": "Naomi Donkersloot", "password": "een zin die niemand raadt"})
    assert answer.status_code == 303
    naomi = User.get(User.email == "naomi@demobv.example")
    assert (naomi.email_confirmed_at is not None, Membership.get(Membership.user == naomi).role) == (True, "approver")
    assert "heeft toegang, maar is nog niet" in told(together, place(together))
    who = site.person(naomi)
    assert "alleen samen met iemand anders" in told(who, says(to_broker(who), "naomi"))
    page = told(together, place(together))
    assert "naomi@demobv.example is geïdentificeerd" in page
    assert {row.answer for row in Authority.select()} == {"undetermined"}  # an operator decides


def test_two_accounts_of_one_person_count_once(together: WebClient, site: Site, demo: Demo):
    other = make_user("wouter2@demobv.example")
    Membership.create(user=other, client=demo.client, role="approver")
    who = site.person(other)
    told(who, says(to_broker(who)))
    first = Identification.get(Identification.user == demo.user.id)
    Identification.update(provider=first.provider, subject=first.subject).execute()
    assert "is geïdentificeerd" not in told(together, place(together))


@pytest.mark.parametrize(
    ("email", "said"),
    [("", "Vul een e-mailadres in"), ("naomi", "Vul een geldig e-mailadres in"), (None, "je eigen e-mailadres")],
)
def test_refused_invitations(together: WebClient, demo: Demo, email: str | None, said: str):
    answer = together.post(place(together) + "/samen", {"email": demo.user.email if email is None else email})
    assert (answer.status_code, said in answer.html) == (422, True)
    assert Invitation.select().count() == 0


def test_an_invitation_is_for_one_address_and_works_once(together: WebClient, site: Site):
    path = invite(together, "naomi@demobv.example")
    other = site.person(make_user("else@demobv.example"))
    assert "ingelogd met een ander e-mailadres" in told(other, path)
    other.post(path)
    assert Invitation.get().user_id is None
    newer = invite(together, "naomi@demobv.example")
    assert site.person().get(path).status_code == 410
    naomi = site.person(make_user("naomi@demobv.example"))
    assert naomi.post(newer).status_code == 303
    assert naomi.get(newer).status_code == 410


def test_an_existing_account_must_log_in(together: WebClient, site: Site):
    path = invite(together, "naomi@demobv.example")
    make_user("naomi@demobv.example")
    stranger = site.person()
    assert "Log in met naomi@demobv.example" in told(stranger, path)
    stranger.post(path, {"name": "N", "password": "een zin die niemand raadt"})
    assert (User.select().count(), Invitation.get().accepted_at) == (2, None)


def test_an_unneeded_invitation_is_refused(owner: WebClient):
    answer = owner.post(place(owner) + "/samen", {"email": "naomi@demobv.example"})
    assert (answer.status_code, Invitation.select().count()) == (422, 0)
