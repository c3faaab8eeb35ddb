"""Webhooks: settings, deliveries after a run, and the page that shows them."""

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from zeep.exceptions import Fault

from tests.support.nmbrs import Nmbrs, raw_call, text_at
from tests.support.receiver import Receiver, receiver
from tests.support.sandbox import Sandbox, free_port

DEBTOR = 21840
PAGE = f"/nmbrs/debiteur/{DEBTOR}/webhooks"


@pytest.fixture
def app() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def set_hook(sandbox: Sandbox, endpoint: str, events: tuple[int, ...] = (1,), active: bool = True) -> int:
    choice = [{"EventId": number, "Active": number in events} for number in (1, 2)]
    body = {"Name": "Bizcuit koppeling", "Endpoint": endpoint, "Active": active, "Events": choice}
    return Nmbrs(sandbox).debtor.WebhookSettings_Insert(DebtorId=DEBTOR, WebhookSetting={"WebhookSetting": body})


def sent_page(sandbox: Sandbox, word: str) -> str:
    """Return the settings page, once it shows a delivery with this result."""
    return sandbox.wait_for(lambda: page if word in (page := sandbox.get(PAGE).text) else None)


def test_a_finished_run_is_announced_as_json(sandbox: Sandbox, app: Receiver):
    set_hook(sandbox, f"{app.url}/client/key/webhooks/paymentsbatch")
    run = sandbox.run_payroll()
    (hook,) = sandbox.wait_for(lambda: app.requests)
    assert (hook.method, hook.path) == ("POST", "/client/key/webhooks/paymentsbatch")
    assert hook.content_type == "application/json; charset=utf-8"
    assert json.loads(hook.body) == {
        "EventId": 1,
        "Event": "RunFinish",
        "DebtorId": DEBTOR,
        "CompanyId": 9969,
        "RunId": run["run"],
        "Year": run["year"],
    }
    assert "Run Einde, loonopdracht 1" in sent_page(sandbox, "antwoord 200")


def as_form(body: bytes) -> dict[str, list[str]]:
    return urllib.parse.parse_qs(body.decode())


@pytest.mark.parametrize(
    ("variant", "content_type", "is_right"),
    [
        ("json", "application/json; charset=utf-8", lambda body: json.loads(body)["CompanyId"] == 9969),
        ("form", "application/x-www-form-urlencoded", lambda body: as_form(body)["CompanyId"] == ["9969"]),
        ("xml", "text/xml; charset=utf-8", lambda body: b"<CompanyId>9969</CompanyId>" in body),
        ("empty", "text/plain", lambda body: body == b""),
        ("rubbish", "application/json", lambda body: b"\xff" in body),
    ],
)
@pytest.mark.parametrize("by_fault", [False, True])
def test_the_body_can_have_any_format(
    sandbox: Sandbox, app: Receiver, variant: str, content_type: str, is_right: Any, by_fault: bool
):
    set_hook(sandbox, app.url)
    if not by_fault:
        sandbox.run_payroll(webhook=variant)
    else:
        if variant != "json":
            sandbox.fault(**{f"nmbrs_webhook_{variant}": True})
        sandbox.run_payroll()
    (hook,) = sandbox.wait_for(lambda: app.requests)
    assert hook.content_type == content_type
    assert is_right(hook.body)


def test_a_webhook_can_be_sent_twice(sandbox: Sandbox, app: Receiver):
    set_hook(sandbox, app.url)
    sandbox.run_payroll(webhook="duplicate")
    sandbox.wait_for(lambda: len(app.requests) == 2)
    assert app.requests[0].body == app.requests[1].body


def test_a_webhook_can_be_missing(sandbox: Sandbox, app: Receiver):
    set_hook(sandbox, app.url)
    sandbox.run_payroll(webhook="none")
    later = sandbox.run_payroll()
    (hook,) = sandbox.wait_for(lambda: app.requests)
    assert json.loads(hook.body)["RunId"] == later["run"]


def test_only_active_settings_with_the_event_are_notified(sandbox: Sandbox, app: Receiver):
    set_hook(sandbox, f"{app.url}/off", active=False)
    set_hook(sandbox, f"{app.url}/no-event", events=())
    set_hook(sandbox, f"{app.url}/journals", events=(2,))
    set_hook(sandbox, f"{app.url}/both", events=(1, 2))
    sandbox.run_payroll()
    sandbox.wait_for(lambda: len(app.requests) == 3)
    told = sorted((hook.path, json.loads(hook.body)["Event"]) for hook in app.requests)
    assert told == [("/both", "JournalsFinish"), ("/both", "RunFinish"), ("/journals", "JournalsFinish")]


def test_another_debtors_run_is_not_announced(sandbox: Sandbox, app: Receiver):
    set_hook(sandbox, app.url)
    sandbox.run_payroll(company="4410")
    own = sandbox.run_payroll()
    (hook,) = sandbox.wait_for(lambda: app.requests)
    assert json.loads(hook.body)["RunId"] == own["run"]


def test_the_page_shows_the_answer_of_the_receiver(sandbox: Sandbox, app: Receiver):
    app.status = 503
    set_hook(sandbox, app.url)
    sandbox.run_payroll()
    assert "Run Einde, loonopdracht 1" in sent_page(sandbox, "antwoord 503")


def test_the_page_shows_a_failed_delivery(sandbox: Sandbox):
    set_hook(sandbox, f"http://127.0.0.1:{free_port()}/hook")
    sandbox.run_payroll()
    assert "Run Einde, loonopdracht 1" in sent_page(sandbox, "niet bezorgd")


# --- settings ---
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Endpoint": "http://example.org/hook"}, "2044"),
        ({"Endpoint": "example.org/hook"}, "2044"),
        ({"Endpoint": "https://"}, "2044"),
        ({"Endpoint": ""}, "2044"),
        ({"Name": ""}, "2045"),
        ({"Name": " "}, "2045"),
    ],
)
def test_an_invalid_setting_is_refused(sandbox: Sandbox, changed: dict[str, str], code: str):
    right = {"Name": "x", "Endpoint": "https://example.org/hook", "Active": True, "Events": []}
    nmbrs = Nmbrs(sandbox)
    with pytest.raises(Fault, match=f"---> {code}:"):
        nmbrs.debtor.WebhookSettings_Insert(DebtorId=DEBTOR, WebhookSetting={"WebhookSetting": right | changed})
    assert nmbrs.debtor.WebhookSettings_Get(DebtorId=DEBTOR) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_is_allowed_on_this_machine(sandbox: Sandbox, host: str):
    assert set_hook(sandbox, f"http://{host}:8000/hook") > 0


def test_fields_may_be_nested_in_any_way(sandbox: Sandbox):
    fields = "<Name>Plat</Name><Endpoint>https://example.org/</Endpoint><Active>true</Active>"
    events = "<Events><Event><EventId>1</EventId><Active>true</Active></Event></Events>"
    body = f"<DebtorId>{DEBTOR}</DebtorId><WebhookSetting>{fields}{events}</WebhookSetting>"
    answer = raw_call(sandbox, "DebtorService", f"<WebhookSettings_Insert>{body}</WebhookSettings_Insert>")
    (kept,) = Nmbrs(sandbox).debtor.WebhookSettings_Get(DebtorId=DEBTOR)
    assert kept.WebhookSettingId == int(text_at(answer, "WebhookSettings_InsertResult") or 0)
    assert (kept.Name, kept.Active, kept.Event[0].Active, kept.Event[1].Active) == ("Plat", True, True, False)


def test_another_debtors_setting_cannot_be_removed(sandbox: Sandbox):
    number = set_hook(sandbox, "https://example.org/hook")
    nmbrs = Nmbrs(sandbox)
    with pytest.raises(Fault, match="---> 2046:"):
        nmbrs.debtor.WebhookSettings_Delete(DebtorId=21841, WebhookSettingId=number)
    assert nmbrs.debtor.WebhookSettings_Delete(DebtorId=DEBTOR, WebhookSettingId=number) is True


# --- the form ---
def test_the_form_creates_a_working_webhook(sandbox: Sandbox, app: Receiver):
    form = {"naam": "Bizcuit integratie", "endpoint": app.url, "actief": "on", "event_1": "actief", "event_2": "niet"}
    page = sandbox.post(f"{PAGE}/nieuw", data=form)
    assert "opgeslagen" in page.text
    assert "Bizcuit integratie" in page.text
    sandbox.run_payroll()
    (hook,) = sandbox.wait_for(lambda: app.requests)
    assert json.loads(hook.body)["Event"] == "RunFinish"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"naam": "x", "endpoint": "http://example.org"}, "Het endpoint moet"),
        ({"naam": "", "endpoint": "https://example.org/typed"}, "Vul een naam in."),
    ],
)
def test_the_form_shows_errors_and_keeps_its_values(sandbox: Sandbox, form: dict[str, str], words: str):
    page = sandbox.post(f"{PAGE}/nieuw", data=form | {"event_1": "actief"})
    assert page.status_code == 400
    assert f'">{words}' in page.text.partition('<p class="problem"')[2]
    assert f'value="{form["endpoint"]}"' in page.text
    assert "Er zijn nog geen webhook-instellingen." in sandbox.get(PAGE).text


def test_a_setting_is_changed_and_removed_on_its_page(sandbox: Sandbox):
    number = set_hook(sandbox, "https://example.org/hook", events=(1, 2))
    form = {"naam": "Anders", "endpoint": "https://example.org/b", "event_1": "actief", "event_2": "niet"}
    assert sandbox.post(f"{PAGE}/{number}", data=form).ok
    (kept,) = Nmbrs(sandbox).debtor.WebhookSettings_Get(DebtorId=DEBTOR)
    assert (kept.Name, kept.Endpoint, kept.Active) == ("Anders", "https://example.org/b", False)
    assert [event.EventId for event in kept.Event if event.Active] == [1]
    assert sandbox.post(f"{PAGE}/{number}/verwijderen").ok
    assert Nmbrs(sandbox).debtor.WebhookSettings_Get(DebtorId=DEBTOR) is None
    assert sandbox.get(f"{PAGE}/{number}").status_code == 404
    assert sandbox.post(f"{PAGE}/{number}", data=form).status_code == 404
