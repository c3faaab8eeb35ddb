"""The identity broker that plays iDIN: an OpenID provider on Authlib's server side.

A person selects an identity on its page, or cancels. Claims are named as by a production broker, and come from UserInfo
only.
"""

import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    render_template,
    request,
)
from joserfc.jwk import KeyParameters, RSAKey

from sandbox import demo, faults
from sandbox.control import BadControl, json_object, on_reset
from sandbox.store import get_store

pages = Blueprint("broker", __name__, url_prefix="/broker")
control = Blueprint("broker_control", __name__, url_prefix="/control/persons")
server = AuthorizationServer()

CODE_SECONDS = 60
LEVEL = "idp:idin"
ELSEWHERE = "https://elsewhere.example"
KEY_FACTS: KeyParameters = {"kid": "sandbox-1", "use": "sig", "alg": "RS256"}
BANKS = ("Polderbank", "Dijkbank", "Rietbank")
PERSON_FIELDS = ("initials", "last_name", "prefix", "birth_date")
SCOPE_CLAIMS = {
    "idin-name": ("initials", "idin_legal_last_name", "idin_legal_last_name_prefix"),
    "date-of-birth": ("birthdate",),
}
FAULTS = {
    "broker_down": "De broker antwoordt 503",
    "broker_wrong_nonce": "Het bewijs hoort bij een andere poging",
    "broker_wrong_audience": "Het bewijs is voor een ander",
    "broker_azp_ours": "Het bewijs is voor een ander, maar noemt ons als wie erom vroeg (azp)",
    "broker_expired_token": "Het bewijs is een minuut verlopen",
    "broker_wrong_issuer": "Het bewijs is van een ander",
    "broker_old_auth_time": "De persoon heeft zich een uur geleden bewezen",
    "broker_wrong_level": "De persoon heeft zich op een lager niveau bewezen",
    "broker_wrong_signature": "Het bewijs is met een andere sleutel ondertekend",
    "broker_unsigned": "Het bewijs is niet ondertekend",
    "broker_mix_up": "De weg terug noemt een andere broker (iss)",
    "broker_other_subject": "UserInfo gaat over iemand anders",
}


def issuer() -> str:
    return f"{current_app.config['BASE_URL']}/broker"


# --- persons ---
def seed() -> None:
    people = (
        ("wouter", demo.SIGNER_INITIALS, demo.SIGNER_LAST_NAME, demo.SIGNER_PREFIX, demo.SIGNER_BIRTH_DATE),
        ("naomi", "N.", "Donkersloot", "", "1985-09-23"),
        ("onbekend", "B.", "Vreemd", "", "1971-01-30"),
    )
    for name, initials, last, prefix, born in people:
        save_person(name, {"initials": initials, "last_name": last, "prefix": prefix, "birth_date": born})


def save_person(name: str, told: dict[str, Any]) -> dict[str, Any]:
    row = {"id": name} | {key: str(told.get(key) or "") for key in PERSON_FIELDS}
    get_store().put("person", name, row)
    return row


def claims_of(person: dict[str, Any]) -> dict[str, str]:
    return {
        "initials": person["initials"].replace(".", ""),
        "idin_legal_last_name": person["last_name"],
        "idin_legal_last_name_prefix": person["prefix"],
        "birthdate": person["birth_date"].replace("-", ""),
    }


def subject_of(person: dict[str, Any]) -> str:
    """Return a persistent pairwise subject."""
    return hashlib.sha256(f"{person['id']}:{demo.OIDC_CLIENT_ID}".encode()).hexdigest()[:32]


# --- Authlib's models ---
class Client(ClientMixin):
    """The one client. Any loopback address is a valid redirect URI, because ports differ per run."""

    def get_client_id(self) -> str:
        return demo.OIDC_CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(word for word in scope.split() if word == "openid" or word in SCOPE_CLAIMS)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        parts = urlsplit(redirect_uri)
        return parts.scheme in ("http", "https") and parts.hostname in ("127.0.0.1", "localhost")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == demo.OIDC_CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Code(AuthorizationCodeMixin):
    """A stored authorization code."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.code_challenge = row["challenge"]
        self.code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return self.row["redirect_uri"]

    def get_scope(self) -> str:
        return self.row["scope"]

    def get_nonce(self) -> str:
        return "another" if faults.on("broker_wrong_nonce") else self.row["nonce"]

    def get_auth_time(self) -> int:
        return self.row["at"] - (3600 if faults.on("broker_old_auth_time") else 0)

    def get_acr(self) -> str:
        return "idp:otp" if faults.on("broker_wrong_level") else LEVEL

    def get_amr(self) -> list[str]:
        return ["idin"]


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        data = request.payload.data
        row = {
            "code": code, "person": request.user["id"], "redirect_uri": request.payload.redirect_uri,
            "scope": request.payload.scope, "nonce": data.get("nonce"), "challenge": data.get("code_challenge"),
            "at": int(time.time()),
        }  # fmt: skip
        get_store().put("broker_code", code, row)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Return the code and delete it: it works once, also for a wrong client."""
        row = get_store().get("broker_code", code)
        if row is None or not get_store().delete("broker_code", code):
            return None
        return Code(row) if time.time() - row["at"] <= CODE_SECONDS else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Do nothing: the code was deleted when it was read."""

    def authenticate_user(self, authorization_code: Code) -> dict[str, Any] | None:
        return get_store().get("person", authorization_code.row["person"])


class IdToken(OpenIDCode):
    """The id token says who authenticated, for whom and when; the personal data is at UserInfo."""

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return RSAKey.generate_key(2048, KEY_FACTS) if faults.on("broker_wrong_signature") else signing_key()

    def get_client_algorithm(self, client: Client) -> str:
        return "RS256"

    def encode_id_token(self, token: dict[str, Any], request: Any) -> str:
        signed = super().encode_id_token(token, request)  # pyright: ignore[reportAttributeAccessIssue]
        return without_signature(signed) if faults.on("broker_unsigned") else signed

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        """Return issuer, audience and times of the id token, changed by the switches."""
        now, expired = int(time.time()), faults.on("broker_expired_token")
        elsewhere = faults.on("broker_wrong_audience") or faults.on("broker_azp_ours")
        claims = {
            "iss": ELSEWHERE if faults.on("broker_wrong_issuer") else issuer(),
            "aud": "another" if elsewhere else demo.OIDC_CLIENT_ID,
            "iat": now - (660 if expired else 0), "exp": now + (-60 if expired else 600), "idp_issuer": "idin",
        }  # fmt: skip
        return claims | ({"azp": demo.OIDC_CLIENT_ID} if faults.on("broker_azp_ours") else {})

    def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
        return UserInfo(sub=subject_of(user))


def without_signature(token: str) -> str:
    """Return the same claims with "alg": "none"."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


class NamedIssuer(IssuerParameter):
    """The `iss` parameter of the redirect (RFC 9207): absent, or another issuer if switched on."""

    def get_issuer(self) -> str | None:
        return ELSEWHERE if faults.on("broker_mix_up") else None


def signing_key() -> RSAKey:
    """Return the signing key, created once per store."""
    row = get_store().get("broker_key", "one")
    if row is None:
        row = RSAKey.generate_key(2048, KEY_FACTS).as_dict(private=True)
        get_store().put("broker_key", "one", row)
    return RSAKey.import_key(row)


def save_token(token: dict[str, Any], request: Any) -> None:
    get_store().put("broker_token", token["access_token"], {"person": request.user["id"], "scope": token["scope"]})


# --- endpoints and pages ---
@pages.before_request
def guard():
    if faults.on("broker_down"):
        return Response("<html><body>Service Unavailable</body></html>", 503, content_type="text/html")
    return None


@pages.get("/.well-known/openid-configuration")
def metadata():
    here = issuer()
    return jsonify(
        issuer=here, authorization_endpoint=f"{here}/authorize", token_endpoint=f"{here}/token",
        userinfo_endpoint=f"{here}/userinfo", jwks_uri=f"{here}/jwks", response_types_supported=["code"],
        subject_types_supported=["pairwise"], id_token_signing_alg_values_supported=["RS256"],
        scopes_supported=["openid", *SCOPE_CLAIMS], token_endpoint_auth_methods_supported=["client_secret_basic"],
        code_challenge_methods_supported=["S256"], acr_values_supported=[LEVEL],
    )  # fmt: skip


@pages.get("/jwks")
def keys():
    return jsonify(keys=[signing_key().as_dict(private=False)])


@pages.route("/authorize", methods=["GET", "POST"])
def authorize():
    """Show the page to select a person, and handle its form."""
    asked = request.args
    if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256" or not asked.get("nonce"):
        abort(400, "PKCE with S256 and a nonce are required")
    try:
        grant = server.get_consent_grant(end_user=None)
    except OAuth2Error as error:
        abort(400, str(error.description or error.error))
    if request.method == "GET":
        people = get_store().all("person")
        return render_template("broker/choose.html", people=people, banks=BANKS)
    if "cancel" in request.form:
        return make_response(server.create_authorization_response(grant_user=None, grant=grant))
    person = get_store().get("person", request.form.get("person", ""))
    if person is None:
        abort(400, "no such person")
    return make_response(server.create_authorization_response(grant_user=person, grant=grant))


@pages.post("/token")
def token():
    return make_response(server.create_token_response())


@pages.get("/userinfo")
def user_info():
    secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
    row = get_store().get("broker_token", secret)
    person = get_store().get("person", row["person"]) if row else None
    if row is None or person is None:
        return jsonify(error="invalid_token"), 401
    wanted = [claim for scope in row["scope"].split() for claim in SCOPE_CLAIMS.get(scope, ())]
    known = claims_of(person)
    subject = subject_of({"id": "someone-else"} if faults.on("broker_other_subject") else person)
    return jsonify({"sub": subject} | {name: known[name] for name in wanted if known[name]})


@control.get("")
def list_people():
    return jsonify(get_store().all("person"))


@control.route("/<name>", methods=["GET", "PUT"])
def replace_person(name: str):
    if request.method == "PUT":
        return jsonify(save_person(name, checked_person(json_object())))
    row = get_store().get("person", name)
    if row is None:
        raise BadControl(f"no person {name}", 404)
    return jsonify(row)


def checked_person(told: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(told) - set(PERSON_FIELDS)):
        raise BadControl(f"unknown: {', '.join(unknown)}; known are {', '.join(PERSON_FIELDS)}")
    if not told.get("last_name") or not all(isinstance(value, str | None) for value in told.values()):
        raise BadControl("last_name, and only texts, are expected")
    return told


def setup(app: Flask) -> None:
    for name, words in FAULTS.items():
        faults.declare(name, words)
    on_reset(seed)
    app.config.setdefault("OAUTH2_TOKEN_EXPIRES_IN", {"authorization_code": 600})
    server.init_app(
        app, query_client=lambda name: Client() if name == demo.OIDC_CLIENT_ID else None, save_token=save_token
    )
    server.register_extension(NamedIssuer())
    server.register_grant(CodeGrant, [IdToken(require_nonce=True), CodeChallenge(required=True)])
    app.register_blueprint(pages)
    app.register_blueprint(control)
