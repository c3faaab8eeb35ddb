"""What a webhook call may say: every shape, and nothing that breaks on any body."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.nmbrs.webhook_payload import Hint, read_hint

FULL = Hint("9969", "700001", "21840", 2026)
GUID = "6B1C7F0E-3F1D-5C0A-9F57-2D6C3C5F9A10"


@pytest.mark.parametrize(
    ("kind", "body", "hint"),
    [
        ("application/json", b'{"EventId":1,"DebtorId":21840,"CompanyId":9969,"RunId":700001,"Year":2026}', FULL),
        ("text/plain", b'{"data":{"run":{"run_id":"700001"},"company_id":"9969","debtor-id":21840},"YEAR":"2026"}',
         FULL),
        ("application/json", b'[{"companyid": 9969}, {"companyid": 4410}]', Hint("9969")),
        ("application/x-www-form-urlencoded", b"CompanyId=9969&RunId=700001&DebtorId=21840&Year=2026", FULL),
        ("text/xml", b"<Webhook><CompanyId>9969</CompanyId><RunId>700001</RunId><DebtorId>21840</DebtorId>"
                     b"<Year>2026</Year></Webhook>", FULL),
        ("text/xml", b'<w xmlns="urn:x"><Run RunId="700001" CompanyId=" 9969 "/></w>', Hint("9969", "700001")),
        ("", f'{{"payrollRunId": "{GUID}"}}'.encode(), Hint(run_id=GUID.lower())),
        ("application/json", b'\xef\xbb\xbf{"CompanyId":9969}', Hint("9969")),
        ("application/json", '{"CompanyId":9969}'.encode("utf-16"), Hint("9969")),
        ("text/xml", b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><w><CompanyId>9969</CompanyId></w>',
         Hint("9969")),
        ("text/xml", '<?xml version="1.0" encoding="utf-16"?><w><RunId>7</RunId></w>'.encode("utf-16"),
         Hint(run_id="7")),
        ("text/xml", b'\r\n<?xml version="1.0" encoding="utf-16"?>\r\n<w><RunId>7</RunId></w>', Hint(run_id="7")),
        ("text/xml", b'<?xml version="1.0" encoding="iso-8859-1"?><w n="\xe9"><RunId>7</RunId></w>', Hint(run_id="7")),
        ("application/json", b'{"Company":{"Id":9969,"Name":"x"},"Runs":[{"Id":5}],"Run":[{"id":"7"}]}',
         Hint("9969", "7")),
        ("text/xml", b'<w><Company Id="9969"/><Run><Id>7</Id></Run><Id>8</Id></w>', Hint("9969", "7")),
        ("", b"?CompanyId=9969&RunId=700001", Hint("9969", "700001")),
        ("application/json", b'{"Id": 9969}', Hint()),
        ("application/json", b'{"CompanyId":' + b"9" * 60_000 + b"}", Hint()),
        ("application/json", b'{"CompanyId":"' + b"9" * 41 + b'"}', Hint()),
        ("application/json", "{\"CompanyId\":\"\u0661\u0662\"}".encode(), Hint()),
        ("text/xml", b"<x>" * 20_000, Hint()),
        ("application/json", b"", Hint()),
        ("application/json", b'{"RunId": \xff\x00, [[', Hint()),
        ("application/json", b'{"CompanyId": "9969; drop table", "RunId": [1], "Year": 99999}', Hint()),
        ("application/json", b'{"CompanyId": true, "RunId": null, "Year": "abcd"}', Hint()),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY a '9969'>]><x><CompanyId>&a;</CompanyId></x>", Hint()),
        ("text/xml", b"<x><CompanyId>9969</x>", Hint()),
        ("multipart/form-data; boundary=x", b"--x--\r\nCompanyId=9969", Hint()),
        ("application/json", b"[" * 60_000, Hint()),
        ("application/json", b'{"a":' * 2_000 + b'{"CompanyId":1}' + b"}" * 2_000, Hint()),
    ],
)  # fmt: skip
def test_each_shape_is_read(kind: str, body: bytes, hint: Hint):
    assert read_hint(kind, body) == hint


@given(st.sampled_from(["", "application/json", "text/xml", "application/x-www-form-urlencoded"]), st.binary())
def test_no_body_breaks_it(kind: str, body: bytes):
    assert isinstance(read_hint(kind, body), Hint)


@given(st.text())
def test_no_text_breaks_it(text: str):
    for body in (text, f"<{text}", f"{{{text}", f"CompanyId={text}"):
        found = read_hint("", body.encode("utf-8", "surrogatepass"))
        assert found.company_id is None or len(found.company_id) <= 36
