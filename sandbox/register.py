"""KvK: companies by number, with their officers and authority.

It answers in the format of the register's extract; a PUT under /control replaces an extract.
"""

from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request

from sandbox import demo, faults
from sandbox.control import BadControl, json_object, on_reset
from sandbox.store import get_store

api = Blueprint("kvk", __name__, url_prefix="/kvk/api")
control = Blueprint("kvk_control", __name__, url_prefix="/control/register")

SEARCH_PARAMETERS = {
    "kvkNummer", "rsin", "vestigingsnummer", "naam", "straatnaam", "huisnummer", "postcode", "plaats", "type",
    "inclusiefInactieveRegistraties", "pagina", "resultatenPerPagina",
}  # fmt: skip
JOINT_KVK, SOLE_KVK, POWERLESS_KVK = "90000005", "69599084", "90003942"


# --- initial extracts ---
def _coded(code: str, text: str) -> dict[str, str]:
    return {"code": code, "omschrijving": text}


def person(first: str, prefix: str, last: str, born: str) -> dict[str, Any]:
    """Return a natural person in the format of an extract; `born` is YYYYMMDD."""
    names = {"voornamen": first, "geslachtsnaam": last, "volledigeNaam": " ".join(filter(None, (first, prefix, last)))}
    return names | ({"voorvoegselGeslachtsnaam": prefix} if prefix else {}) | {"geboortedatum": born}


def extract(number: str, name: str, owner: dict[str, Any]) -> dict[str, Any]:
    return {
        "meldingen": {"informatie": {"code": "IPD0000", "omschrijving": "Het product is succesvol geproduceerd"}},
        "product": {
            "maatschappelijkeActiviteit": {
                "registratie": {"datumAanvang": "20170512"}, "kvkNummer": number, "naam": name,
                "heeftAlsEigenaar": owner,
            }
        },
    }  # fmt: skip


def company(number: str, name: str, directors: list[tuple[dict[str, Any], str, str]]) -> dict[str, Any]:
    """Return a private company with its directors: (person, authority code, description)."""
    functions = [
        {
            "bestuursfunctie": {
                "registratie": {"datumAanvang": "20170512"}, "functie": _coded("02", "Bestuurder"),
                "functietitel": {"titel": "Directeur"}, "door": {"natuurlijkPersoon": who},
                "bevoegdheid": {"soort": _coded(code, text), "isBevoegdMetAnderePersonen": _coded("N", "Nee")},
            }
        }
        for who, code, text in directors
    ]  # fmt: skip
    owner = {"persoonRechtsvorm": "BeslotenVennootschap", "statutaireNaam": name, "heeft": functions}
    return extract(number, name, {"rechtspersoon": owner})


def seed() -> None:
    born = demo.SIGNER_BIRTH_DATE.replace("-", "")
    wouter = person(demo.SIGNER_FIRST_NAMES, demo.SIGNER_PREFIX, demo.SIGNER_LAST_NAME, born)
    alone, jointly = ("azb", "Alleen/zelfstandig bevoegd"), ("gb", "Gezamenlijk bevoegd")
    naomi = person("Naomi", "", "Donkersloot", "19850923")
    keep(demo.KVK_NUMBER, company(demo.KVK_NUMBER, demo.COMPANY_NAME, [(wouter, *alone)]))
    keep(JOINT_KVK, company(JOINT_KVK, "Samen BV", [(wouter, *jointly), (naomi, *jointly)]))
    keep(SOLE_KVK, extract(SOLE_KVK, "De Jong Advies", {"natuurlijkPersoon": wouter}))
    keep(POWERLESS_KVK, company(POWERLESS_KVK, "Zonder Stem BV", [(wouter, "nb", "Niet bevoegd")]))


# --- the APIs ---
def _fault(status: int, code: str, text: str) -> tuple[Response, int]:
    return jsonify(fout=[{"code": code, "omschrijving": text}]), status


@api.before_request
def guard():
    if faults.on("kvk_slow"):
        faults.hold("kvk_slow", 60)
    if faults.on("kvk_down"):
        return Response("<html><body>Service Unavailable</body></html>", 503, content_type="text/html")
    if not request.headers.get("apikey"):
        return _fault(401, "IPD0001", "Geen geldige apikey.")
    if faults.on("kvk_temporary"):
        return _fault(500, "IPD1002", "Het product is tijdelijk niet beschikbaar.")
    return None


def keep(number: str, document: dict[str, Any]) -> None:
    """Serve an extract under this number, whatever number it contains (fictitious ones differ)."""
    get_store().put("register", number, {"number": number, "extract": document})


def _known(number: str) -> dict[str, Any] | None:
    row = get_store().get("register", number)
    return row["extract"] if row else None


def _activity(document: dict[str, Any]) -> dict[str, Any]:
    return document["product"]["maatschappelijkeActiviteit"]


@api.get("/v1/functionarissen/kvknummer/<number>")
def functionaries(number: str):
    found = _known(number)
    if found is None:
        return _fault(404, "IPD0005", f"KvK-nummer {number} is niet bekend.")
    return jsonify(_without_birth_dates(found) if faults.on("kvk_no_birth_dates") else found)


def _without_birth_dates(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _without_birth_dates(value) for key, value in found.items() if key != "geboortedatum"}
    return [_without_birth_dates(item) for item in found] if isinstance(found, list) else found


@api.get("/v1/basisprofielen/<number>")
def profile(number: str):
    found = _known(number)
    if found is None:
        return _fault(404, "IPD0005", f"KvK-nummer {number} is niet bekend.")
    activity = _activity(found)
    form = _legal_form(activity)
    here = {"self": {"href": request.url}}
    return jsonify(
        kvkNummer=number, indNonMailing="Nee", naam=activity.get("naam", ""), formeleRegistratiedatum="20170512",
        materieleRegistratie=activity.get("registratie", {}), statutaireNaam=activity.get("naam", ""),
        handelsnamen=[{"naam": activity.get("naam", ""), "volgorde": 0}], _links=here,
        _embedded={"eigenaar": {"rechtsvorm": form, "uitgebreideRechtsvorm": form}},
    )  # fmt: skip


def _legal_form(activity: dict[str, Any]) -> str:
    """Return the legal form of the owner, which is listed next to the registration of the relation."""
    owners = activity.get("heeftAlsEigenaar", {}).values()
    return next((owner["persoonRechtsvorm"] for owner in owners if "persoonRechtsvorm" in owner), "Eenmanszaak")


@api.get("/v2/zoeken")
def search():
    if unknown := sorted(set(request.args) - SEARCH_PARAMETERS):
        # The register refuses unknown parameters; its error code for that is an assumption.
        return _fault(400, "IPD5204", f"De parameter {unknown[0]} is niet bekend.")
    number, name = request.args.get("kvkNummer"), request.args.get("naam", "").casefold()
    rows = [(row["number"], _activity(row["extract"]).get("naam", "")) for row in get_store().all("register")]
    found = [row for row in rows if row[0] == number or (name and name in row[1].casefold())]
    if not found:
        return _fault(404, "IPD5200", "Geen gegevens gevonden op basis van de ingevoerde zoekvraag.")
    here = {"self": {"href": request.url}}
    results = [_result(*row) for row in found]
    return jsonify(pagina=1, resultatenPerPagina=10, totaal=len(results), resultaten=results, _links=here)


def _result(number: str, name: str) -> dict[str, Any]:
    profile_at = {"href": f"{request.root_url}kvk/api/v1/basisprofielen/{number}"}
    return {"kvkNummer": number, "naam": name, "type": "rechtspersoon", "_links": {"basisprofiel": profile_at}}


@api.after_request
def as_the_register_does(answer: Response) -> Response:
    """Add the HAL media type and the API-Version header, as the KvK APIs do."""
    if answer.mimetype == "application/json" and answer.status_code == 200:
        answer.mimetype = "application/hal+json"
        answer.headers["API-Version"] = "2.1.0" if "/v2/" in request.path else "1.5.0"
    return answer


# --- control ---
@control.route("/<number>", methods=["GET", "PUT"])
def replace(number: str):
    if request.method == "PUT":
        document = json_object()
        product = document.get("product")
        if not isinstance(product, dict) or not isinstance(product.get("maatschappelijkeActiviteit"), dict):
            raise BadControl("an extract with product/maatschappelijkeActiviteit is expected")
        keep(number, document)
    found = _known(number)
    if found is None:
        raise BadControl(f"no extract under {number}", 404)
    return jsonify(found)


def setup(app: Flask) -> None:
    faults.declare("kvk_down", "De KvK antwoordt 503")
    faults.declare("kvk_slow", "De KvK antwoordt niet op tijd")
    faults.declare("kvk_temporary", "De KvK meldt een tijdelijke storing (IPD1002)")
    faults.declare("kvk_no_birth_dates", "De KvK geeft geen geboortedata")
    on_reset(seed)
    app.register_blueprint(api)
    app.register_blueprint(control)
