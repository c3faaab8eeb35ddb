"""Where a bank's links lead: to its API, to its own pages, or nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.port import BankConfig, OutcomeUnknown
from connectors.bank.response_links import UntrustedLink, api_address, read_links, sign_address

BANK = BankConfig(
    "zand", "Zandbank", "https://api.zand.example/psd2", redirect_hosts=("inloggen.zand.example", "b.example:8443")
)
SANDBOX = BankConfig("s", "Sandbox", "http://127.0.0.1:8001/bank/redirect", redirect_hosts=("127.0.0.1:8001",))

API = [
    (BANK, "https://api.zand.example/psd2/v1/x", "https://api.zand.example/psd2/v1/x"),
    (BANK, "https://API.zand.example:443/v2/x?a=b", "https://API.zand.example:443/v2/x?a=b"),
    (BANK, "/v1/x", "https://api.zand.example/psd2/v1/x"),
    (BANK, "/v2/x", "https://api.zand.example/psd2/v2/x"),
    (BANK, "/psd2/v1/x", "https://api.zand.example/psd2/v1/x"),
    (BANK, "/other/x", "https://api.zand.example/other/x"),
    (BANK, "v1/x", "https://api.zand.example/psd2/v1/x"),
    (SANDBOX, "/v1/x", "http://127.0.0.1:8001/bank/redirect/v1/x"),
    (SANDBOX, "/bank/redirect/v1/x", "http://127.0.0.1:8001/bank/redirect/v1/x"),
    (SANDBOX, "http://127.0.0.1:8001/bank/redirect/v1/x", "http://127.0.0.1:8001/bank/redirect/v1/x"),
]


@pytest.mark.parametrize(("config", "link", "full"), API)
def test_an_api_link_is_made_absolute(config: BankConfig, link: str, full: str):
    assert api_address(config, link) == full


STRANGE_API = [
    "https://evil.example/v1/x",
    "http://api.zand.example/psd2/v1/x",
    "https://api.zand.example:8443/psd2/v1/x",
    "https://api.zand.example.evil.example/v1/x",
    "https://api.zand.example@evil.example/v1/x",
    "https://evil.example\\@api.zand.example/v1/x",
    "https://user:secret@api.zand.example/psd2/v1/x",
    "https://api.zand.example\\.evil.example/",
    "//evil.example/v1/x",
    "///evil.example/v1/x",
    "https:evil.example",
    "https:///v1/x",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://api.zand.example/\r\nX-Evil: 1",
    "https://api.zand.example/a b",
    "https://api.zand.example:port/",
    "https://[::1/",
    "https://api.zänd.example/",
]


@pytest.mark.parametrize("link", STRANGE_API)
def test_a_link_to_another_host_is_refused(link: str):
    with pytest.raises(UntrustedLink):
        api_address(BANK, link)


PAGES = [
    (BANK, "https://inloggen.zand.example/ondertekenen/1?x=%20y#z"),
    (BANK, "https://INLOGGEN.zand.example/"),
    (BANK, "https://inloggen.zand.example:8443/"),
    (BANK, "https://b.example:8443/1"),
    (SANDBOX, "http://127.0.0.1:8001/bank/redirect/ondertekenen/1"),
    (SANDBOX, "https://127.0.0.1:8001/1"),
]


@pytest.mark.parametrize(("config", "link"), PAGES)
def test_a_redirect_to_a_configured_host_is_accepted(config: BankConfig, link: str):
    assert sign_address(config, link) == link


STRANGE_PAGES = [
    (BANK, "https://evil.example/"),
    (BANK, "https://api.zand.example/"),
    (BANK, "https://b.example/"),
    (BANK, "https://b.example:8444/"),
    (BANK, "http://inloggen.zand.example/"),
    (BANK, "https://inloggen.zand.example.evil.example/"),
    (BANK, "https://evil.example/?https://inloggen.zand.example"),
    (BANK, "https://inloggen.zand.example@evil.example/"),
    (BANK, "https://inloggen.zand.example:x@evil.example/"),
    (BANK, "https://evil.example\\@inloggen.zand.example/"),
    (BANK, "https://evil.example#@inloggen.zand.example/"),
    (BANK, "https://user@inloggen.zand.example/"),
    (BANK, "//inloggen.zand.example/"),
    (BANK, "javascript://inloggen.zand.example/%0aalert(1)"),
    (BANK, "data:text/html,x"),
    (BANK, "https://inloggen.zand.example/\nLocation: x"),
    (BANK, " https://inloggen.zand.example/"),
    (BANK, "https://inloggen.zand.example/" + "x" * 3000),
    (SANDBOX, "http://127.0.0.1:8000/"),
    (SANDBOX, "http://localhost:8001/"),
]


@pytest.mark.parametrize(("config", "link"), STRANGE_PAGES)
def test_a_redirect_to_another_host_is_refused(config: BankConfig, link: str):
    with pytest.raises(UntrustedLink, match="strange"):
        sign_address(config, link)


@given(st.text(max_size=60), st.sampled_from(["", "https://", "https://inloggen.zand.example", "//", "/", "http:"]))
def test_any_redirect_leads_to_the_bank_or_is_refused(text: str, start: str):
    try:
        url = sign_address(BANK, start + text)
    except OutcomeUnknown:
        return
    host = url.removeprefix("https://").partition("/")[0].partition("?")[0].partition("#")[0].lower()
    assert url.startswith("https://")
    assert host.partition(":")[0] == "inloggen.zand.example" or host == "b.example:8443"


def test_only_links_of_the_standard_are_kept():
    found = {
        "_links": {
            "status": {"href": "/v1/x/status"},
            "about": {"href": "https://www.zand.example/over-ons"},
            "scaRedirect": {"href": "https://inloggen.zand.example/1"},
        }
    }
    assert read_links(BANK, found) == {
        "status": "https://api.zand.example/psd2/v1/x/status",
        "scaRedirect": "https://inloggen.zand.example/1",
    }


@pytest.mark.parametrize("found", [{}, {"_links": None}, {"_links": {}}])
def test_missing_links_are_empty(found: dict):
    assert read_links(BANK, found) == {}


@pytest.mark.parametrize(
    "links", [[], "x", {"status": "/v1/x"}, {"status": {}}, {"status": {"href": 1}}, {"scaRedirect": None}]
)
def test_invalid_links_make_the_outcome_unknown(links: object):
    with pytest.raises(OutcomeUnknown):
        read_links(BANK, {"_links": links})
