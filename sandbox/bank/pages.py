"""The bank's own website, as the person sees it: consent, sign."""

from flask import Blueprint, abort, g, redirect, render_template, request

from sandbox.bank import banks, consents
from sandbox.store import Document, get_store

pages = Blueprint("bank", __name__, url_prefix="/bank/<bank_id>")


@pages.url_value_preprocessor
def take_bank(endpoint: str | None, values: dict | None) -> None:
    g.bank = banks.bank((values or {}).pop("bank_id", "")) or abort(404)


@pages.url_defaults
def give_bank(endpoint: str, values: dict) -> None:
    if "bank_id" not in values and "bank" in g:
        values["bank_id"] = g.bank["id"]


@pages.context_processor
def name_bank():
    return {"bank": g.bank}


def page_of(kind: str, page: str) -> Document:
    """The document with this page, of this bank."""
    found = (doc for doc in get_store().all(kind) if doc.get("page") == page and doc["bank"] == g.bank["id"])
    return next(found, None) or abort(404)


@pages.get("/toestemming/<page>")
def consent_page(page: str):
    doc = page_of(consents.KIND, page)
    return render_template("bank/consent.html", consent=doc, accounts=consents.offered(doc))


@pages.post("/toestemming/<page>")
def decide_consent(page: str):
    doc = page_of(consents.KIND, page)
    if doc["status"] != "received":
        return redirect(doc["back"], 303)
    if request.form.get("antwoord") != "ja":
        consents.change(doc, "rejected")
        return redirect(doc["nok"], 303)
    offered = [account["id"] for account in consents.offered(doc)]
    chosen = [account_id for account_id in request.form.getlist("rekening") if account_id in offered]
    if not chosen:
        return render_template(
            "bank/consent.html", consent=doc, accounts=consents.offered(doc), problem="Kies minstens één rekening."
        ), 400
    consents.change(doc, "valid", chosen)
    return redirect(doc["back"], 303)
