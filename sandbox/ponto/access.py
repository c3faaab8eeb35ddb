"""OAuth of Ponto: authorization code with PKCE (S256, required) and rotating tokens of half an hour."""

from datetime import timedelta

from flask import Blueprint, Response, jsonify, redirect, render_template, request

from sandbox import clock, faults
from sandbox.bank.faults import cut_connection
from sandbox.oauth import (
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
from sandbox.ponto import faults as misbehaviour
from sandbox.ponto import organisation
from sandbox.store import Document, get_store

access = Blueprint("ponto_access", __name__, url_prefix="/ponto")

CODE_LIFE, ACCESS_LIFE, REFRESH_LIFE = timedelta(minutes=10), timedelta(seconds=1799), timedelta(days=28)
CODE, ACCESS, REFRESH, GRANT = "ponto_code", "ponto_access", "ponto_refresh", "ponto_grant"
SCOPES = {"ai": "Rekeningen, saldo en mutaties zien", "pi": "Betalingen klaarzetten, die je zelf ondertekent"}
OFFLINE = "offline_access"


# --- the page ---
@access.get("/oauth2/auth")
def show_page():
    return wrong() or page()


@access.post("/oauth2/auth")
def answer_page():
    problem = wrong()
    if problem:
        return problem
    if request.form.get("besluit") != "toestaan":
        return send_back(error="access_denied")
    chosen = request.form.getlist("rekening")
    known = {account["iban"] for account in organisation.bank()["accounts"]}
    if not chosen or not set(chosen) <= known:
        return page("Kies minstens één rekening, of kies Weigeren."), 400
    return send_back(code=make_code(chosen))


def wrong():
    """Return an error page for an invalid request; it is never redirected to the caller."""
    given = request.args
    checks = {
        "client_id": given.get("client_id") == organisation.CLIENT_ID,
        "redirect_uri": is_registered(given.get("redirect_uri", "")),
        "response_type": given.get("response_type") == "code",
        "scope": {"ai", "pi"} <= set(given.get("scope", "").split()) <= {*SCOPES, OFFLINE},
        "code_challenge": bool(given.get("code_challenge")),
        "code_challenge_method": given.get("code_challenge_method") == "S256",
    }
    problem = next((name for name, right in checks.items() if not right), None)
    return (render_template("ponto/wrong.html", problem=problem, bank=organisation.bank()), 400) if problem else None


def page(problem: str = "") -> str:
    return render_template("ponto/allow.html", bank=organisation.bank(), scopes=SCOPES.values(), problem=problem)


def send_back(**told: str):
    return redirect(way_back(request.args["redirect_uri"], request.args.get("state"), told), 303)


def make_code(ibans: list[str]) -> str:
    what = {"id": new_secret(), "ibans": ibans, "at": clock.now().isoformat(), "scope": request.args["scope"]}
    kept = {"redirect_uri": request.args["redirect_uri"], "challenge": request.args["code_challenge"], "method": "S256"}
    return keep(CODE, CODE_LIFE, what | kept)


# --- tokens ---
@access.post("/api/oauth2/token")
def token():
    if faults.on("ponto_down"):
        return Response("", 503)
    kind = request.form.get("grant_type")
    try:
        check_client(organisation.CLIENT_ID, organisation.CLIENT_SECRET)
        if kind == "client_credentials":
            return told({"access_token": new_secret(), "expires_in": 1799, "token_type": "bearer", "scope": ""})
        if faults.on("ponto_token_revoked"):
            raise Refused("invalid_grant")
        answer = from_code() if kind == "authorization_code" else from_refresh(kind)
    except Refused as error:
        return refusal(error, "ponto")
    if kind == "refresh_token" and faults.on("ponto_refresh_lost"):
        return cut_connection()
    return told(answer)


def told(answer: Document):
    return jsonify(answer), {"Cache-Control": "no-store"}


def from_code() -> Document:
    row = spend(CODE, request.form.get("code", ""))
    if row["redirect_uri"] != request.form.get("redirect_uri") or not fits(row, request.form.get("code_verifier")):
        raise Refused("invalid_grant")
    get_store().put(GRANT, row["id"], {name: row[name] for name in ("id", "ibans", "at", "scope")})
    return issue(row["id"], row["scope"])


def from_refresh(kind: str | None) -> Document:
    if kind != "refresh_token":
        raise Refused("unsupported_grant_type")
    faults.hold("ponto_refresh_slow", misbehaviour.SLOW_SECONDS)
    row = spend(REFRESH, request.form.get("refresh_token", ""))
    grant = get_store().get(GRANT, row["grant"])
    if grant is None:
        raise Refused("invalid_grant")
    get_store().update("ponto_renewals", grant["id"], lambda doc: {"count": (doc or {"count": 0})["count"] + 1})
    return issue(grant["id"], grant["scope"])


def issue(grant: str, scope: str) -> Document:
    """Issue tokens; only the newest access token of a consent is valid."""
    secret = keep(ACCESS, ACCESS_LIFE, {"grant": grant})
    get_store().update(GRANT, grant, lambda doc: doc | {"access": secret})
    answer = {"access_token": secret, "expires_in": 1799, "token_type": "bearer", "scope": scope}
    return answer | ({"refresh_token": keep(REFRESH, REFRESH_LIFE, {"grant": grant})} if OFFLINE in scope else {})


@access.post("/api/oauth2/revoke")
def revoke():
    """Revoke a token and its whole consent (RFC 7009); an unknown token is not an error."""
    try:
        check_client(organisation.CLIENT_ID, organisation.CLIENT_SECRET)
    except Refused as error:
        return refusal(error, "ponto")
    row = get_store().get(REFRESH, request.form.get("token", ""))
    if row is not None:
        get_store().delete(GRANT, row["grant"])
    return jsonify({})


def grant_of(authorization: str) -> Document | None:
    """Return the consent of a valid Bearer token, or None."""
    secret = authorization.removeprefix("Bearer ")
    row = get_store().get(ACCESS, secret)
    if row is None or is_over(row) or faults.on("ponto_token_revoked"):
        return None
    grant = get_store().get(GRANT, row["grant"])
    return grant if grant and grant.get("access") == secret else None
