"""Calls the sandbox's SOAP services with zeep and its own WSDLs, and with raw SOAP for what zeep would not send."""

from typing import Any

import requests
import zeep
from lxml import etree

from tests.support.sandbox import Sandbox

NAMESPACE = "https://api.nmbrs.nl/soap/v3/"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"


class Nmbrs:
    """Calls in strict mode as the demo customer: `nmbrs.company.Run_GetList(CompanyId=…, Year=…)`."""

    def __init__(self, sandbox: Sandbox, user: str | None = None, token: str | None = None, domain: str = "demo"):
        given = sandbox.credentials
        self.sandbox = sandbox
        self.year: int = given["year"]
        self.user = user or given["nmbrs_user"]
        self.token = token or given["nmbrs_token"]
        self.domain = domain
        self.debtor = self._service("DebtorService")
        self.company = self._service("CompanyService")
        self.employee = self._service("EmployeeService")

    def _service(self, name: str) -> "Service":
        return Service(zeep.Client(f"{self.sandbox.url}/soap/v3/{name}.asmx?WSDL"), self)

    def sepa(self, run: dict[str, Any], company: int = 9969, day: str = "2026-11-25T00:00:00") -> Any:
        return self.company.SalaryDocuments_GetSEPA(
            CompanyId=company, RunID=run["run"], Year=run["year"], paymentDate=day
        )


class Service:
    """One zeep service that adds the required authentication header to every call."""

    def __init__(self, client: zeep.Client, nmbrs: Nmbrs):
        self.client = client
        self.nmbrs = nmbrs

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            header = {"Username": self.nmbrs.user, "Token": self.nmbrs.token}
            name = "AuthHeader"
            if operation != "Environment_Get":
                name, header = "AuthHeaderWithDomain", header | {"Domain": self.nmbrs.domain}
            return getattr(self.client.service, operation)(**parameters, _soapheaders={name: header})

        return call


def raw_call(
    sandbox: Sandbox,
    service: str,
    body: str,
    header: str | None = None,
    soap: str = SOAP_11,
    headers: dict[str, str] | None = None,
) -> requests.Response:
    """Post an envelope. `body` and `header` are XML in the service's default namespace."""
    given = sandbox.credentials
    if header is None:
        header = (
            f"<AuthHeaderWithDomain><Username>{given['nmbrs_user']}</Username>"
            f"<Token>{given['nmbrs_token']}</Token><Domain>demo</Domain></AuthHeaderWithDomain>"
        )
    namespace = NAMESPACE + service
    envelope = (
        f'<e:Envelope xmlns:e="{soap}" xmlns="{namespace}"><e:Header>{header}</e:Header>'
        f"<e:Body>{body}</e:Body></e:Envelope>"
    )
    content_type = "text/xml" if soap == SOAP_11 else "application/soap+xml"
    return requests.post(
        f"{sandbox.url}/soap/v3/{service}.asmx",
        data=envelope.encode(),
        headers={"Content-Type": f"{content_type}; charset=utf-8"} | (headers or {}),
        timeout=20,
    )


def text_at(answer: requests.Response, name: str) -> str | None:
    """Return the text of the first element with this local name."""
    return etree.fromstring(answer.content).findtext(f".//{{*}}{name}")
