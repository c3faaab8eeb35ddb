"""Nmbrs's identity server: OAuth 2 for the REST API, authorization code only.

A code is valid five minutes and once, an access token an hour, a refresh token thirty days and once: each use returns a
new one. All times follow the sandbox's clock, which can be advanced.
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from sandbox import clock, demo, faults
from sandbox.bank.faults import cut_connection
from sandbox.nmbrs import ledger_data
from sandbox.oauth import (
    CHALLENGES,
    Refused,
    check_client,
    fits,
    is_over,
    is_registered,
    keep,
    new_secret,
    refusal,
    spend,
    way_back,
)
from sandbox.store import Document, get_store

identity = Blueprint("nmbrs_identity", __name__, url_prefix="/nmbrs-identity/connect")

CODE_LIFE, ACCESS_LIFE, REFRESH_LIFE = timedelta(minutes=5), timedelta(hours=1), timedelta(days=30)
CODE, ACCESS, REFRESH, GRANT = "nmbrs_code", "nmbrs_access", "nmbrs_refresh", "nmbrs_grant"
OFFLINE = "offline_access"

# The scopes granted to the app, with their texts on the page. Any other scope refuses the whole request.
SCOPES = {
    "user.info.read": "Je naam en e-mailadres zien",
    "company.info.read": "Debiteuren, bedrijven en hun bankrekeningen zien",
    "company.payrollsettings.read": "Loonopdrachten en loonaangiften zien",
    "company.document.read": "Betaalbestanden laten maken",
    "document.read": "Betaalbestanden ophalen",
    "employee.info.read": "Namen van medewerkers zien",
    "employee.bankaccount.read": "Bankrekeningen van medewerkers zien",
    OFFLINE: "Dit blijven doen als je niet aanwezig bent",
}


class Wrong(Exception):
    """An invalid authorization request; shown to the person, never redirected to the caller."""


@dataclass(frozen=True)
class Asked:
    """An authorization request."""

    redirect_uri: str
    scope: str
    state: str | None
    challenge: str | None
    method: str


def read_asked() -> Asked:
    given = request.args
    if given.get("client_id") != demo.NMBRS_CLIENT_ID:
        raise Wrong("Unknown client")
    if not is_registered(given.get("redirect_uri", "")):
        raise Wrong("Invalid redirect_uri")
    if given.get("response_type") != "code":
        raise Wrong("Invalid response_type")
    scope = given.get("scope", "").split()
    if not set(scope) - {OFFLINE} or set(scope) - set(SCOPES):
        raise Wrong("Invalid scope")
    method = given.get("code_challenge_method", "plain")
    if method not in CHALLENGES:
        raise Wrong("Invalid code_challenge_method")
    return Asked(given["redirect_uri"], " ".join(scope), given.get("state"), given.get("code_challenge"), method)


# --- the page ---
@identity.before_request
def guard():
    if faults.on("nmbrs_oauth_down"):
        return Response("<html><body>Service Unavailable</body></html>", 503, content_type="text/html")
    return None


@identity.errorhandler(Wrong)
def show_wrong(error: Wrong):
    return render_template("nmbrs/authorize_wrong.html", problem=str(error)), 400


@identity.get("/authorize")
def show_page():
    return authorize_page(read_asked(), request.args.get("user", demo.NMBRS_USER), [])


@identity.post("/authorize")
def answer_page():
    asked = read_asked()
    if request.form.get("answer") != "allow":
        return send_back(asked, error="access_denied")
    email, debtors = request.form.get("user", ""), request.form.getlist("debtor", type=int)
    who = ledger_data.user(email)
    if who is None:
        raise Wrong("Unknown user")
    if not debtors or not set(debtors) <= {doc["id"] for doc in ledger_data.debtors_of(who)}:
        return authorize_page(asked, email, debtors, "Kies ten minste één debiteur."), 400
    return send_back(asked, code=make_code(asked, email, debtors))


def authorize_page(asked: Asked, email: str, chosen: list[int], problem: str = "") -> str:
    who = ledger_data.user(email)
    if who is None:
        raise Wrong("Unknown user")
    debtors = ledger_data.debtors_of(who)
    return render_template(
        "nmbrs/authorize.html",
        who=who,
        users=ledger_data.users(),
        debtors=debtors,
        chosen=chosen or [doc["id"] for doc in debtors[:1]],
        scopes=[SCOPES[name] for name in asked.scope.split()],
        carried=[(name, value) for name, value in request.args.items() if name != "user"],
        app_host=urlsplit(asked.redirect_uri).netloc,
        problem=problem,
    )


def send_back(asked: Asked, **told: str):
    return redirect(way_back(asked.redirect_uri, asked.state, told))


def make_code(asked: Asked, email: str, debtors: list[int]) -> str:
    grant = new_secret()
    what: Document = {"id": grant, "user": email, "debtors": debtors, "scope": asked.scope}
    what["at"] = clock.now().isoformat()
    kept = {"redirect_uri": asked.redirect_uri, "challenge": asked.challenge, "method": asked.method}
    return keep(CODE, CODE_LIFE, what | kept)


# --- tokens ---
@identity.post("/token")
def token():
    try:
        check_client(demo.NMBRS_CLIENT_ID, demo.NMBRS_CLIENT_SECRET)
        if faults.on("nmbrs_oauth_invalid_grant"):
            raise Refused("invalid_grant")
        answer = tokens()
    except Refused as error:
        return refusal(error, "nmbrs")
    if request.form["grant_type"] == "refresh_token" and faults.on("nmbrs_oauth_answer_lost"):
        return cut_connection()
    return jsonify(answer), {"Cache-Control": "no-store"}


@identity.post("/revocation")
def revoke():
    """Revoke a token (RFC 7009); an unknown token is not an error. A refresh token revokes the whole consent."""
    try:
        check_client(demo.NMBRS_CLIENT_ID, demo.NMBRS_CLIENT_SECRET)
    except Refused as error:
        return refusal(error, "nmbrs")
    secret = request.form.get("token", "")
    kept = get_store().get(REFRESH, secret)
    if kept is not None:
        end_grant(kept["grant"])
    get_store().delete(REFRESH, secret)
    get_store().delete(ACCESS, secret)
    return ""


def tokens() -> Document:
    kind = request.form.get("grant_type")
    if kind == "authorization_code":
        return from_code()
    if kind == "refresh_token":
        return from_refresh()
    raise Refused("unsupported_grant_type")


def from_code() -> Document:
    row = spend(CODE, request.form.get("code", ""))
    verifier = request.form.get("code_verifier")
    if row["redirect_uri"] != request.form.get("redirect_uri") or not fits(row, verifier):
        raise Refused("invalid_grant")
    get_store().put(GRANT, row["id"], {name: row[name] for name in ("id", "user", "debtors", "scope", "at")})
    return issue(row["id"], row["scope"])


def from_refresh() -> Document:
    row = spend(REFRESH, request.form.get("refresh_token", ""))
    grant = get_store().get(GRANT, row["grant"])
    if grant is None:
        raise Refused("invalid_grant")
    return issue(grant["id"], grant["scope"])


def issue(grant: str, scope: str) -> Document:
    answer = {
        "access_token": keep(ACCESS, ACCESS_LIFE, {"grant": grant}),
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "token_type": "Bearer",
        "scope": scope,
    }
    if OFFLINE in scope.split():
        answer["refresh_token"] = keep(REFRESH, REFRESH_LIFE, {"grant": grant})
    return answer


# --- for the REST API ---
def grant_of(access_token: str) -> Document | None:
    """Return the consent of a valid access token: {"user", "debtors", "scope"}; else None."""
    row = get_store().get(ACCESS, access_token)
    return get_store().get(GRANT, row["grant"]) if row and not is_over(row) else None


def grants() -> list[Document]:
    """Return the active consents, newest first."""
    return get_store().all(GRANT)[::-1]


def end_grant(grant: str) -> bool:
    """Revoke a consent and all its tokens; return whether it existed."""
    return get_store().delete(GRANT, grant)
