"""Pages of a client that is being closed offer nothing that is refused; both ask the same table."""

from datetime import timedelta

import pytest
from werkzeug.exceptions import HTTPException

from blueprints.web import authorization
from core.clock import utcnow
from models import Batch, Client
from tests.support.prepared_site import PreparedSite
from tests.support.web_client import Page
from tests.web.test_permissions import RIGHTS


def sent(page: Page, path: str) -> set[str]:
    """Return the addresses to which forms, buttons and scripts of this page send something."""
    found = [form.get("action") or path for form in page.all("form") if form.get("method") == "post"]
    found += [one.get(name) for name in ("formaction", "hx-post") for one in page.all(f"[{name}]")]
    return {str(one).partition("?")[0] for one in found}


def links(page: Page) -> set[str]:
    return {str(link.get("href")).partition("?")[0] for link in page.all("a[href^='/']")}


def refused(site: PreparedSite, address: str, method: str) -> bool:
    """Return whether a member of the closing client sends something to this address, or opens it, in vain."""
    try:
        rule, values = site.app.url_map.bind("").match(address, method=method, return_rule=True)
    except HTTPException:
        return False
    mine = values.get("client") == site.things["client"] and rule.endpoint not in authorization.WHILE_CLOSING
    return mine and "POST" in (rule.methods or ())


def close(site: PreparedSite) -> None:
    ends = utcnow() + timedelta(days=30)
    Client.update(state="closing", ends_at=ends).where(Client.public_id == site.things["client"]).execute()


def in_vain(site: PreparedSite, who: str, endpoint: str) -> set[str] | None:
    """Return what a page offers although it is refused; None if it is no page for this member."""
    path = site.address(endpoint, "GET")
    page = site.ask(who, "GET", path)
    if page.status_code != 200 or page.mimetype != "text/html":
        return None
    found = {address for address in sent(page, path) if refused(site, address, "POST")}
    return found | {address for address in links(page) if refused(site, address, "GET")}


@pytest.mark.parametrize("who", ["owner", "approver", "preparer"])
def test_no_page_offers_what_is_refused(prepared: PreparedSite, who: str):
    close(prepared)
    found = {endpoint: in_vain(prepared, who, endpoint) for endpoint, method in RIGHTS if method == "GET"}
    prepared.back()
    assert {endpoint: wrong for endpoint, wrong in found.items() if wrong} == {}
    assert sum(wrong is not None for wrong in found.values()) > 12


ENDED = ["approved", "executed", "partly_executed", "returned", "rejected", "failed", "cancelled", "discarded"]


@pytest.mark.parametrize("who", ["owner", "preparer"])
def test_no_page_of_a_payment_offers_what_is_refused(prepared: PreparedSite, who: str):
    found = {}
    for state in ENDED:
        close(prepared)
        Batch.update(state=state).execute()
        found |= {(state, one): in_vain(prepared, who, one) for one in ("payments.detail", "payments.list_unpaid")}
        prepared.back()
    assert {key: wrong for key, wrong in found.items() if wrong != set()} == {}


def test_a_page_that_asks_for_an_act_leads_to_the_overview(prepared: PreparedSite):
    close(prepared)
    home = f"/{prepared.things['client']}"
    for path in ("/saldo/toevoegen", "/instellingen/sluiten", "/mensen/uitnodigen"):
        assert prepared.ask("owner", "GET", f"{home}{path}").location == f"{home}/overzicht"
    assert prepared.ask("owner", "GET", f"{home}/instellingen/account-verwijderen").status_code == 200
    prepared.back()
