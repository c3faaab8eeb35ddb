"""The bank's pages for customers: SCA, consent, the app, the card reader and an overview."""

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for

from sandbox.bank import banks, consents, orders, sca
from sandbox.store import Document, get_store

pages = Blueprint("bank", __name__, url_prefix="/bank/<bank_id>")

MAX_SHOWN = 100


@pages.url_value_preprocessor
def find_bank(endpoint: str | None, values: dict | None) -> None:
    if not values or banks.find(values["bank_id"]) is None:
        abort(404)


@pages.after_request
def keep_nothing(response: Response) -> Response:
    """Forbid caching, so that going back after SCA shows that it is done."""
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.context_processor
def whose_bank():
    return {"bank": banks.find((request.view_args or {})["bank_id"])}


def asked_sca(bank_id: str, sca_id: str, purposes: tuple[str, ...]) -> Document:
    found = get_store().get(sca.KIND, sca_id)
    if found is None or found["bank"] != bank_id or found["purpose"] not in purposes:
        abort(404)
    return found


def order_of(found: Document) -> Document:
    return orders.refresh(get_store().get(orders.KIND, found["target"]))


def lines_of(order: Document) -> list[list]:
    return [line for block in orders.content(order["id"])["lines"] for line in block][:MAX_SHOWN]


# --- SCA ---
@pages.get("/ondertekenen/<sca_id>")
def sign_page(bank_id: str, sca_id: str):
    found = asked_sca(bank_id, sca_id, (sca.PAY, sca.CANCEL))
    order = order_of(found)
    if sca.status_of(found) not in sca.OPEN:
        return render_template("bank/done.html", sca=found, what="order", order=order)
    return render_template("bank/sign.html", sca=found, order=order, lines=lines_of(order))


@pages.post("/ondertekenen/<sca_id>")
def sign(bank_id: str, sca_id: str):
    found = asked_sca(bank_id, sca_id, (sca.PAY, sca.CANCEL))
    if found["approach"] != "redirect":
        abort(404)
    agreed = request.form.get("besluit") == "ondertekenen"
    done = sca.finish(found, agreed)
    return back(found, agreed and done)


def back(found: Document, agreed: bool):
    """Redirect to the app, or without redirect URI to the page with the result."""
    address = found["back"] if agreed else found["nok"]
    if address:
        return redirect(address, 303)
    name = "bank.consent_page" if found["purpose"] == sca.CONSENT else "bank.sign_page"
    return redirect(url_for(name, bank_id=found["bank"], sca_id=found["id"]), 303)


# --- consent ---
@pages.get("/toestemming/<sca_id>")
def consent_page(bank_id: str, sca_id: str):
    found = asked_sca(bank_id, sca_id, (sca.CONSENT,))
    consent = get_store().get(consents.KIND, found["target"])
    if found["status"] not in sca.OPEN or consent["status"] != "received":
        return render_template("bank/done.html", sca=found, what="consent", order=None)
    return render_template("bank/consent.html", sca=found, consent=consent, accounts=consents.offered(consent))


@pages.post("/toestemming/<sca_id>")
def decide_consent(bank_id: str, sca_id: str):
    found = asked_sca(bank_id, sca_id, (sca.CONSENT,))
    chosen = request.form.getlist("rekening")
    agreed = request.form.get("besluit") == "toestaan"
    if agreed and not chosen:
        flash("Kies minstens één rekening, of kies Weigeren.")
        return redirect(url_for("bank.consent_page", bank_id=bank_id, sca_id=sca_id), 303)
    done = sca.finish(found, agreed, chosen)
    return back(found, agreed and done)


# --- the bank's app ---
@pages.get("/app")
def bank_app(bank_id: str):
    found = [(one, order_of(one)) for one in sca.waiting(bank_id, "decoupled")]
    rows = [(one, order, lines_of(order)) for one, order in found]
    return render_template("bank/app.html", rows=rows, second=waiting_for_second(bank_id))


@pages.post("/app/<sca_id>")
def approve_in_app(bank_id: str, sca_id: str):
    found = asked_sca(bank_id, sca_id, (sca.PAY, sca.CANCEL))
    if found["approach"] != "decoupled":
        abort(404)
    agreed = request.form.get("besluit") == "goedkeuren"
    done = sca.finish(found, agreed)
    flash(("Goedgekeurd." if agreed else "Afgewezen.") if done else "Dit kan niet meer.")
    return redirect(url_for("bank.bank_app", bank_id=bank_id), 303)


def waiting_for_second(bank_id: str) -> list[Document]:
    return orders.newest_first(lambda order: order["bank"] == bank_id and order["status"] == "PATC")


@pages.post("/tweede/<order_id>")
def second_signature(bank_id: str, order_id: str):
    order = orders.find(bank_id, order_id)
    done = order is not None and order["status"] == "PATC" and orders.sign(order_id)
    flash("De tweede handtekening is gezet." if done else "Dit kan niet meer.")
    return redirect(url_for("bank.bank_app", bank_id=bank_id), 303)


# --- the card reader ---
@pages.get("/reader")
def reader(bank_id: str):
    challenge = "".join(request.args.get("uitdaging", "").split())
    usable = len(challenge) == 8 and challenge.isdecimal()
    texts = [one for one in sca.waiting(bank_id, "embedded") if one["method"] == "sms" and one["code"]]
    return render_template(
        "bank/reader.html",
        challenge=challenge,
        code=sca.reader_code(challenge) if usable else None,
        texts=[(one, order_of(one)) for one in texts],
    )


# --- overview ---
@pages.get("/")
def overview(bank_id: str):
    bank = banks.find(bank_id) or abort(404)
    accounts = [(one, banks.bookings(bank_id, one["iban"])[::-1][:8]) for one in bank["accounts"]]
    return render_template(
        "bank/overview.html",
        accounts=accounts,
        orders=orders.newest_first(lambda order: order["bank"] == bank_id)[:20],
        consents=[consents.find(bank_id, one["id"]) or one for one in consents.of_bank(bank_id)[:20]],
        web_url=current_app.config["WEB_URL"],
    )


@pages.post("/toestemmingen/<consent_id>/intrekken")
def revoke_consent(bank_id: str, consent_id: str):
    consent = consents.find(bank_id, consent_id) or abort(404)
    consents.end(consent["id"], "revokedByPsu")
    flash("De toestemming is ingetrokken.")
    return redirect(url_for("bank.overview", bank_id=bank_id), 303)
