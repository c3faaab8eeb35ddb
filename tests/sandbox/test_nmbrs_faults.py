"""Every switchable fault of Nmbrs, as a client sees it."""

import threading

import pytest
import requests
from zeep.exceptions import Fault, TransportError, XMLParseError

from sandbox.nmbrs.faults import REST_SWITCHES, RIGHTS, SWITCHES
from sandbox.nmbrs.schema import SERVICES
from tests.support.nmbrs import Nmbrs, raw_call, text_at
from tests.support.sandbox import Sandbox


@pytest.fixture
def nmbrs(sandbox: Sandbox) -> Nmbrs:
    return Nmbrs(sandbox)


def listed(nmbrs: Nmbrs) -> list[int]:
    return [run.Number for run in nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year) or []]


def test_every_fault_is_declared(sandbox: Sandbox):
    names = {name for name in sandbox.control("GET", "faults") if name.startswith("nmbrs_")}
    assert names == set(RIGHTS) | set(SWITCHES) | set(REST_SWITCHES)


def test_every_permission_is_of_an_existing_method():
    known = {f"{service.name}.{name}" for service in SERVICES.values() for name in service.operations}
    assert {method for methods in RIGHTS.values() for method in methods} <= known


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("nmbrs_wrong_token", "---> 1001: Invalid Authentication"),
        ("nmbrs_disabled", "---> 1004: Disabled, no valid subscription"),
        ("nmbrs_9999", "---> 9999: Unkown"),
    ],
)
def test_general_faults_apply_to_every_call(sandbox: Sandbox, nmbrs: Nmbrs, fault: str, text: str):
    sandbox.fault(**{fault: True})
    for call in (nmbrs.debtor.Environment_Get, nmbrs.company.List_GetAll, nmbrs.employee.EmployeeType_GetList):
        with pytest.raises(Fault, match=text):
            call()
    sandbox.fault(**{fault: False})
    assert nmbrs.debtor.Environment_Get().SubDomain == "demo"


def test_1006_occurs_once(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_1006_once=True)
    with pytest.raises(Fault, match="---> 1006: Generic Login Security Failure"):
        nmbrs.company.List_GetAll()
    assert len(nmbrs.company.List_GetAll()) == 2
    assert sandbox.control("GET", "faults")["nmbrs_1006_once"] is False


@pytest.mark.parametrize("fault", RIGHTS)
def test_a_missing_permission_affects_only_its_methods(sandbox: Sandbox, fault: str):
    sandbox.fault(**{fault: True})
    for service in SERVICES.values():
        for name, operation in service.operations.items():
            if operation.header == "AuthHeader":
                continue
            text = text_at(raw_call(sandbox, service.name, f"<{name}/>"), "faultstring") or ""
            assert ("---> 1002: Unauthorized access" in text) == (f"{service.name}.{name}" in RIGHTS[fault])


def test_a_filtered_debtor_is_not_visible(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_debtor_filtered=True)
    assert [debtor.Name for debtor in nmbrs.debtor.List_GetAll()] == ["Duinrand Catering BV"]
    assert [company.ID for company in nmbrs.company.List_GetAll()] == [4410]
    with pytest.raises(Fault, match="---> 1003:"):
        nmbrs.company.List_GetByDebtor(DebtorId=21840)
    with pytest.raises(Fault, match="---> 2004:"):
        listed(nmbrs)


def test_an_html_page_in_place_of_an_answer(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_html_503=True)
    answer = raw_call(sandbox, "CompanyService", "<List_GetAll/>")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    with pytest.raises(Fault) as fault:
        nmbrs.company.List_GetAll()
    assert fault.value.code is None


def test_an_answer_that_is_not_xml(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_not_xml=True)
    with pytest.raises(TransportError):
        nmbrs.company.List_GetAll()


def test_a_hanging_call_can_be_released(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_hang=True)
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sandbox.url}/soap/v3/CompanyService.asmx", data="x", timeout=0.3)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(len(nmbrs.company.List_GetAll())))
    waiting.start()
    assert answers == []
    sandbox.fault(nmbrs_hang=False)
    waiting.join(timeout=10)
    assert answers == [2]


def test_a_throttled_call_still_answers(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_throttle=True)
    assert len(nmbrs.company.List_GetAll()) == 2
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sandbox.url}/soap/v3/CompanyService.asmx", data="x", timeout=0.2)


@pytest.mark.parametrize("fault", ["nmbrs_extra_element", "nmbrs_extra_element_first"])
def test_an_unknown_element(sandbox: Sandbox, nmbrs: Nmbrs, fault: str):
    """A strict client fails on it, which is the purpose of the switch."""
    sandbox.fault(**{fault: True})
    with pytest.raises(XMLParseError):
        nmbrs.company.List_GetAll()
    assert text_at(raw_call(sandbox, "CompanyService", "<List_GetAll/>"), "KvkNr") == "68750110"


def test_no_runs_at_all(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.run_payroll()
    sandbox.fault(nmbrs_empty_runs=True)
    assert listed(nmbrs) == []


def test_a_run_may_be_announced_before_it_is_listed(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.run_payroll()
    sandbox.run_payroll()
    sandbox.fault(nmbrs_run_unlisted_once=True)
    assert [listed(nmbrs), listed(nmbrs)] == [[1], [1, 2]]


def test_a_run_may_stay_unlisted(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.run_payroll()
    sandbox.fault(nmbrs_run_unlisted=True)
    assert [listed(nmbrs), listed(nmbrs)] == [[], []]


def test_a_run_may_be_locked_late(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.fault(nmbrs_locked_late=True)
    sandbox.run_payroll()
    seen = [nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year)[0].IsLocked for _ in range(2)]
    assert seen == [False, True]


@pytest.mark.parametrize(("fault", "word"), [("nmbrs_prerun", "Proefrun "), ("nmbrs_correction", "Correctie TWK ")])
def test_only_the_description_shows_the_kind_of_run(sandbox: Sandbox, nmbrs: Nmbrs, fault: str, word: str):
    sandbox.fault(**{fault: True})
    run = sandbox.run_payroll()
    (listed_run,) = nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year)
    assert listed_run.Description.startswith(word)
    assert f"Salaris {word}" in nmbrs.sepa(run)
