"""What everybody may read before registering: terms, privacy, and who processes which data."""

from flask import current_app

from blueprints.account.routes import blueprint
from blueprints.web.responses import render
from domain.common.services import services
from domain.team import client_closing

# Services that check names, as they call themselves.
_NAME_SERVICES = {"surepay": "SurePay", "mollie": "Mollie"}


@blueprint.get("/voorwaarden")
def terms():
    """Say what may be expected of each other: a draft, until who runs the service settles it."""
    return render("account/terms.html", undo_days=client_closing.UNDO_FOR.days)


@blueprint.get("/privacy")
def privacy():
    """Say what is kept of whom, why and how long."""
    return render("account/privacy.html", kept_years=services().kept_years)


@blueprint.get("/verwerkers")
def processors():
    """Say who gets which data, as this installation is set up."""
    names, ponto = services().names, services().ponto
    return render(
        "account/processors.html", identity_method=current_app.config["IDENTITY_METHOD"],
        name_service=_NAME_SERVICES.get(names.name, names.name) if names else "",
        through_ponto=ponto is not None,
    )  # fmt: skip
