"""Copies of data: for a member their own, for an owner that of an employee who asks for it, or of the company."""

import csv
import io
import json
import zipfile
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from blueprints.settings.forms import EmployeeForm
from blueprints.settings.routes import blueprint
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, for_client, recently_authenticated_keeping
from blueprints.web.responses import redirect_to, render
from core.hidden_characters import mark_hidden
from core.money import format_iso
from domain.accounts import rate_limits
from domain.privacy.company_data import company_data
from domain.privacy.employee_data import EmployeeRow, employee_data
from domain.privacy.own_data import own_data
from models.states import Role

_FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute a text that begins with one of these


@blueprint.get("/<client>/instellingen/gegevens")
@for_client(ALL)
@recently_authenticated_keeping()
def show_personal_data(membership):
    return render(
        "settings/personal_data.html", is_owner=membership.role == Role.OWNER, form=EmployeeForm(formdata=None)
    )


@blueprint.post("/<client>/instellingen/gegevens/mijn")
@does("own_data")
def download_own_data(membership):
    """Download everything that is kept of this person, as JSON."""
    rate_limits.consume_attempt("copy.user", membership.user_id)
    text = json.dumps(own_data(membership.user), indent=2)
    return _download(text, "application/json", "mijn-gegevens.json")


@blueprint.post("/<client>/instellingen/gegevens/medewerker")
@does("employee_data", "employee")
def download_employee_data(membership):
    """Download every line of one employee, as CSV or JSON."""
    form = EmployeeForm()
    if not form.validate_on_submit():
        return render("settings/personal_data.html", 422, is_owner=True, form=form)
    rate_limits.consume_attempt("copy.user", membership.user_id)
    rows = employee_data(membership, form.employee.data or "")
    if not rows:
        flash(_("Er is geen regel met deze naam of dit rekeningnummer."), "warn")
        return redirect_to(url_for("settings.show_personal_data"))
    if request.form.get("vorm") == "json":
        text = json.dumps([row.as_dict() for row in rows], indent=2)
        return _download(text, "application/json", "medewerker.json")
    return _download(_as_csv(rows), "text/csv; charset=utf-8", "medewerker.csv")


@blueprint.post("/<client>/instellingen/gegevens/bedrijf")
@does("company_data")
def download_company_data(membership):
    """Download payments, lines, people and log of the company, as spreadsheets in one file."""
    rate_limits.consume_attempt("copy.user", membership.user_id)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in company_data(membership).items():
            archive.writestr(f"{name}.csv", _as_table(rows))
    return _download(made.getvalue(), "application/zip", f"bizcuit-{membership.client.public_id}.zip")


def _download(text: str | bytes, kind: str, name: str) -> Response:
    answer = Response(text, content_type=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _as_csv(rows: list[EmployeeRow]) -> str:
    """Return the lines as a spreadsheet reads them: with a byte order mark, amounts with a point, no formulas."""
    made = io.StringIO()
    out = csv.writer(made)
    out.writerow(rows[0].as_dict() | {"amount": None})
    for row in rows:
        fields = row.as_dict() | {"amount": "" if row.cents is None else format_iso(row.cents)}
        out.writerow(_cell(value) for value in fields.values())
    return "\ufeff" + made.getvalue()


def _as_table(rows: list[dict[str, Any]]) -> str:
    """Return rows with the same fields as a spreadsheet reads them."""
    made = io.StringIO()
    out = csv.writer(made)
    for row in rows[:1]:
        out.writerow(row)
    out.writerows([_cell(value) for value in row.values()] for row in rows)
    return "\ufeff" + made.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    shown = mark_hidden(value)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
