"""The body of a webhook call: every format, and no body raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.nmbrs.webhook_payload import WebhookPayload, parse_webhook

FULL = WebhookPayload("9969", "700001", "21840", 2026)
GUID = "6B1C7F0E-3F1D-5C0A-9F57-2D6C3C5F9A10"


@pytest.mark.parametrize(
    ("kind", "body", "hint"),
    [
        ("application/json", b'{"EventId":1,"DebtorId":21840,"CompanyId":9969,"RunId":700001,"Year":2026}', FULL),
        ("text/plain", b'{"data":{"run":{"run_id":"700001"},"company_id":"9969","debtor-id":21840},"YEAR":"2026"}',
         FULL),
        ("application/json", b'[{"companyid": 9969}, {"companyid": 4410}]', WebhookPayload("9969")),
        ("application/x-www-form-urlencoded", b"CompanyId=9969&RunId=700001&DebtorId=21840&Year=2026", FULL),
        ("text/xml", b"<Webhook><CompanyId>9969</CompanyId><RunId>700001</RunId><DebtorId>21840</DebtorId>"
                     b"<Year>2026</Year></Webhook>", FULL),
        ("text/xml", b'<w xmlns="urn:x"><Run RunId="700001" CompanyId=" 9969 "/></w>',
         WebhookPayload("9969", "700001")),
        ("", f'{{"payrollRunId": "{GUID}"}}'.encode(), WebhookPayload(run_id=GUID.lower())),
        ("application/json", b'\xef\xbb\xbf{"CompanyId":9969}', WebhookPayload("9969")),
        ("application/json", '{"CompanyId":9969}'.encode("utf-16"), WebhookPayload("9969")),
        ("text/xml", b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><w><CompanyId>9969</CompanyId></w>',
         WebhookPayload("9969")),
        ("text/xml", '<?xml version="1.0" encoding="utf-16"?><w><RunId>7</RunId></w>'.encode("utf-16"),
         WebhookPayload(run_id="7")),
        ("text/xml", b'\r\n<?xml version="1.0" encoding="utf-16"?>\r\n<w><RunId>7</RunId></w>',
         WebhookPayload(run_id="7")),
        ("text/xml", b'<?xml version="1.0" encoding="iso-8859-1"?><w n="\xe9"><RunId>7</RunId></w>',
         WebhookPayload(run_id="7")),
        ("application/json", b'{"Company":{"Id":9969,"Name":"x"},"Runs":[{"Id":5}],"Run":[{"id":"7"}]}',
         WebhookPayload("9969", "7")),
        ("text/xml", b'<w><Company Id="9969"/><Run><Id>7</Id></Run><Id>8</Id></w>', WebhookPayload("9969", "7")),
        ("", b"?CompanyId=9969&RunId=700001", WebhookPayload("9969", "700001")),
        ("application/json", b'{"Id": 9969}', WebhookPayload()),
        ("application/json", b'{"CompanyId":' + b"9" * 60_000 + b"}", WebhookPayload()),
        ("application/json", b'{"CompanyId":"' + b"9" * 41 + b'"}', WebhookPayload()),
        ("application/json", "{\"CompanyId\":\"\u0661\u0662\"}".encode(), WebhookPayload()),
        ("text/xml", b"<x>" * 20_000, WebhookPayload()),
        ("application/json", b"", WebhookPayload()),
        ("application/json", b'{"RunId": \xff\x00, [[', WebhookPayload()),
        ("application/json", b'{"CompanyId": "9969; drop table", "RunId": [1], "Year": 99999}', WebhookPayload()),
        ("application/json", b'{"CompanyId": true, "RunId": null, "Year": "abcd"}', WebhookPayload()),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY a '9969'>]><x><CompanyId>&a;</CompanyId></x>", WebhookPayload()),
        ("text/xml", b"<x><CompanyId>9969</x>", WebhookPayload()),
        ("multipart/form-data; boundary=x", b"--x--\r\nCompanyId=9969", WebhookPayload()),
        ("application/json", b"[" * 60_000, WebhookPayload()),
        ("application/json", b'{"a":' * 2_000 + b'{"CompanyId":1}' + b"}" * 2_000, WebhookPayload()),
    ],
)  # fmt: skip
def test_each_format_is_read(kind: str, body: bytes, hint: WebhookPayload):
    assert parse_webhook(kind, body) == hint


@given(st.sampled_from(["", "application/json", "text/xml", "application/x-www-form-urlencoded"]), st.binary())
def test_no_body_raises(kind: str, body: bytes):
    assert isinstance(parse_webhook(kind, body), WebhookPayload)


@given(st.text())
def test_no_text_raises(text: str):
    for body in (text, f"<{text}", f"{{{text}", f"CompanyId={text}"):
        found = parse_webhook("", body.encode("utf-8", "surrogatepass"))
        assert found.company_id is None or len(found.company_id) <= 36
