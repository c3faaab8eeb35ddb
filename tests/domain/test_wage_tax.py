"""Wage tax (*loonheffing*): a tax return is one line to the Belastingdienst, paid once, where enabled, next to the
salaries.
"""

from datetime import timedelta

import pytest

from core.clock import utcnow
from domain.common.errors import NotFound
from domain.payroll import wage_tax
from models import Batch, PayrollCompany, PayrollRun
from tests.support.factories import Demo, make_client, make_user
from tests.support.intake import lines, work
from tests.support.sandbox import Sandbox


def switch_on(demo: Demo) -> None:
    wage_tax.set_wage_tax_enabled(demo.client, demo.user, demo.company.id, True)
    earlier = utcnow() - timedelta(minutes=1)
    PayrollCompany.update(wage_tax_from=earlier).where(PayrollCompany.id == demo.company.id).execute()


def test_wage_tax_is_off_by_default(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    assert [batch.kind for batch in work(demo)] == ["salary"]


def test_a_tax_return_is_one_line_with_its_reference(demo: Demo, sandbox: Sandbox):
    switch_on(demo)
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    made = {batch.kind: batch for batch in work(demo)}
    tax = made["wage_tax"]
    (row,) = lines(tax)
    assert (row[0], tax.total_cents, tax.line_count) == ("NL86INGB0002445588", 1_980_608 * 35 // 100 // 100 * 100, 1)
    reference = PayrollRun.get(PayrollRun.kind == "wage_tax").wage_tax_reference or ""
    shown = demo.view(tax).lines[0]
    assert len(reference) == 16
    assert reference in shown.description.replace(".", "")
    assert demo.view(made["salary"]).cautions == []  # the same period, but not a second salary


def test_a_tax_return_is_paid_once(demo: Demo, sandbox: Sandbox):
    switch_on(demo)
    sandbox.run_payroll(lines=8, webhook="none")
    work(demo)
    assert work(demo) == []
    assert Batch.select().where(Batch.kind == "wage_tax").count() == 1


def test_earlier_tax_returns_are_only_offered(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    work(demo)
    wage_tax.set_wage_tax_enabled(demo.client, demo.user, demo.company.id, True)
    later = utcnow() + timedelta(minutes=1)
    PayrollCompany.update(wage_tax_from=later).where(PayrollCompany.id == demo.company.id).execute()
    assert work(demo) == []
    assert [run.state for run in PayrollRun.select().where(PayrollRun.kind == "wage_tax")] == ["before_connection"]


def test_without_permission_salaries_are_still_imported(demo: Demo, sandbox: Sandbox):
    switch_on(demo)
    sandbox.fault(nmbrs_no_wage_tax_right=True)
    sandbox.run_payroll(lines=8, webhook="none")
    assert [batch.kind for batch in work(demo)] == ["salary"]


def test_a_company_of_another_client_is_not_found(demo: Demo, sandbox: Sandbox):
    other = make_client(make_user())
    with pytest.raises(NotFound):
        wage_tax.set_wage_tax_enabled(other.client, other.user, demo.company.id, True)
