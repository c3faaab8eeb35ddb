"""create_app() in named steps; the flask command line hangs here."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from ssl import SSLContext
from typing import Any

from flask import Flask, g, render_template, request
from flask_login import current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from htmx_flask import Htmx
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import commands
import config
import jobs
import models
from blueprints.web import authorization
from blueprints.web.compression import init_compression
from blueprints.web.formatters import init_context
from blueprints.web.i18n import ignore_user_locale, init_languages
from blueprints.web.security_headers import init_security
from blueprints.web.session_interface import StoredSessions
from blueprints.web.static_assets import SERVED, init_assets
from blueprints.web.urls import init_urls
from connectors.bank import http_signatures
from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import FileDirectory, HttpDirectory
from connectors.bank.ponto import PontoBank
from connectors.bank.ponto_oauth import PontoOAuth
from connectors.bank.ponto_transport import PontoSettings, PontoSigner, signer_of
from connectors.bank.port import Adapter, Bank
from connectors.bank.router import BanksByAdapter
from connectors.bank.transport import tls_with
from connectors.identity.oidc import OidcProvider, OidcSettings
from connectors.identity.profiles import PROFILES
from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.nmbrs.rest import RestPayroll, RestSettings
from connectors.nmbrs.soap import SoapPayroll
from connectors.register.kvk import KvkRegister
from connectors.smtp import SmtpMailer
from connectors.web_push import WebPushClient
from core.encryption import Keyring
from domain.common.errors import NotFound, RateLimited
from domain.common.services import Services
from domain.common.services import configure as furnish_domain
from jobs import mail_rendering

SCREENS = (
    "shortcuts", "account", "onboarding", "banking", "payroll", "payments", "overview", "team", "settings", "webhooks",
    "pwa", "ops",
)  # fmt: skip


def create_app(settings: config.Config | None = None) -> Flask:
    """The whole web application, ready to serve."""
    settings = settings or config.load()
    app = bare_app(settings)
    if settings.proxies:  # so many proxies in front of us each add one address; what comes before is the visitor's tale
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)
    furnish(settings, app)
    jobs.connect(settings.redis_url)
    use_sessions(app, settings)
    use_database(app)
    use_screens(app)
    use_errors(app)
    commands.register(app)
    return app


def furnish(settings: config.Config, app: Flask | None = None) -> None:
    """Hand the outside world to the domain: the only place that knows which adapter is used."""
    models.connect(settings.database_url)
    furnish_domain(
        Services(
            payroll=SoapPayroll(settings.nmbrs_url), payroll_rest=_payroll_rest(settings),
            nmbrs_oauth=_nmbrs_oauth(settings), rest_offered=bool(settings.nmbrs_client_id), bank=_bank(settings),
            banks=_banks(settings), ponto=_ponto_oauth(settings),
            identity=_identity(settings), register=_register(settings),
            mailer=_mailer(settings), pusher=_pusher(settings), keyring=Keyring(settings.data_keys, settings.data_key),
            lookup_key=settings.lookup_key, pin_pepper=settings.pin_pepper, base_url=settings.base_url,
            hook_url=settings.hook_url, support_email=settings.support_email,
            limit_payment_cents=settings.limit_payment_cents, limit_day_cents=settings.limit_day_cents,
            poll_seconds=settings.poll_seconds,
        )
    )  # fmt: skip
    mail_rendering.set_app(app or bare_app(settings))


def _payroll_rest(settings: config.Config) -> RestPayroll:
    return RestPayroll(RestSettings(settings.nmbrs_rest_url, settings.nmbrs_subscription_key))


def _nmbrs_oauth(settings: config.Config) -> NmbrsOAuth:
    return NmbrsOAuth(
        OAuthSettings(
            authority=settings.nmbrs_authority, client_id=settings.nmbrs_client_id,
            client_secret=settings.nmbrs_client_secret, scopes=settings.nmbrs_scopes,
        )
    )  # fmt: skip


def _bank(settings: config.Config) -> BanksByAdapter:
    """Who speaks with which bank; Ponto's only where Ponto knows us."""
    ponto: dict[Adapter, Bank] = {"ponto": PontoBank(_ponto(settings))} if settings.ponto_client_id else {}
    return BanksByAdapter({"berlin_group": _berlin_group(settings), **ponto})


def _ponto(settings: config.Config) -> PontoSettings:
    """What Ponto knows us by; in development the key that the home folder keeps for the sandbox signs here too."""
    if settings.ponto_signature_key:
        signer = signer_of(settings.ponto_signature_key, settings.ponto_signature_key_id)
    else:
        signer = PontoSigner(http_signatures.development_identity(settings.home).key, "development")
    return PontoSettings(
        settings.ponto_authority, settings.ponto_client_id, settings.ponto_client_secret, signer=signer,
        tls=_tls("PONTO", settings.ponto_tls_certificate, settings.ponto_tls_key),
    )


def _ponto_oauth(settings: config.Config) -> PontoOAuth | None:
    return PontoOAuth(_ponto(settings), settings.ponto_url) if settings.ponto_client_id else None


def _berlin_group(settings: config.Config) -> BerlinGroupBank:
    """Our key at the banks; in development one that the home folder keeps for the sandbox."""
    if settings.bank_key:
        signer = http_signatures.load(Path(settings.bank_key), Path(settings.bank_certificate))
    else:
        signer = http_signatures.development_identity(settings.home)
    return BerlinGroupBank(signer, tls=_tls("BANK", settings.bank_tls_certificate, settings.bank_tls_key))


def _tls(whose: str, certificate: str, key: str) -> SSLContext | None:
    """What we show on the line; None without a key. ConfigError names whose cannot be used."""
    if not key:
        return None
    try:
        return tls_with(Path(certificate), Path(key))
    except ValueError as error:
        raise config.ConfigError(f"BIZCUIT_{whose}_TLS_CERTIFICATE: {error}") from error


def _identity(settings: config.Config) -> OidcProvider:
    return OidcProvider(
        OidcSettings(
            issuer=settings.oidc_issuer, client_id=settings.oidc_client_id, client_secret=settings.oidc_client_secret,
            profile=PROFILES[settings.oidc_profile], scopes=settings.oidc_scopes,
            acr_values=settings.oidc_acr or None, claim_names=settings.oidc_claims,
            accepted=settings.oidc_accepted or None,
        )
    )  # fmt: skip


def _register(settings: config.Config) -> KvkRegister:
    return KvkRegister(settings.kvk_url, settings.kvk_key, certificate=settings.kvk_certificate or None)


def _mailer(settings: config.Config) -> SmtpMailer:
    return SmtpMailer(
        host=settings.smtp_host, port=settings.smtp_port, sender=settings.mail_from, user=settings.smtp_user,
        password=settings.smtp_password, starttls=settings.smtp_starttls,
    )  # fmt: skip


def _pusher(settings: config.Config) -> WebPushClient:
    """In development the sandbox's push service may be on this machine."""
    local = "" if settings.production else settings.sandbox_url
    return WebPushClient(settings.push_key, settings.support_email, local=local, services=settings.push_services)


def _banks(settings: config.Config) -> FileDirectory | HttpDirectory:
    """Lines of configuration from a file; from the sandbox's address only in development."""
    if settings.banks.startswith("http"):
        if settings.production:
            raise config.ConfigError("BIZCUIT_BANKS must be a file in production")
        return HttpDirectory(settings.banks)
    return FileDirectory(Path(settings.banks))


def bare_app(settings: config.Config) -> Flask:
    """Templates, translations and plain settings; no screens yet."""
    app = Flask("app", root_path=str(config.ROOT))
    app.config.update(
        SECRET_KEY=settings.session_key,
        PREFERRED_URL_SCHEME="https" if settings.base_url.startswith("https") else "http",
        BASE_URL=settings.base_url,
        SUPPORT_EMAIL=settings.support_email,
        IDENTITY_METHOD=PROFILES[settings.oidc_profile].name,
        METRICS_TOKEN=settings.metrics_token,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    init_languages(app)
    init_assets(app)
    init_context(app)
    return app


def use_sessions(app: Flask, settings: config.Config) -> None:
    """Sessions in the database, signing in, protection against forged requests, htmx."""
    secure = settings.base_url.startswith("https")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-bz" if secure else "bz",
        DEVICE_COOKIE_NAME="__Host-bzd" if secure else "bzd",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as the session in the database
        WTF_CSRF_SSL_STRICT=False,  # our own Origin check covers http too
    )
    app.session_interface = StoredSessions()
    authorization.login.init_app(app)
    Htmx(app)
    init_security(app)
    init_compression(app)


def use_database(app: Flask) -> None:
    """Open a connection for each request and give it back at the end; none for static files."""

    @app.before_request
    def _open() -> None:
        if request.endpoint not in SERVED:
            models.database.connect(reuse_if_open=True)

    @app.teardown_request
    def _close(_: BaseException | None) -> None:
        models.release_connection()


def use_screens(app: Flask) -> None:
    """Every package of blueprints. No token against forged requests needs what machines call, and the worker's word
    that a subscription changed."""
    protect = CSRFProtect(app)
    init_urls(app)
    for name in SCREENS:
        blueprint = import_module(f"blueprints.{name}").blueprint
        app.register_blueprint(blueprint)
        if name == "webhooks":
            protect.exempt(blueprint)
    protect.exempt("blueprints.pwa.routes.subscription_renewed")


def use_errors(app: Flask) -> None:
    """Each error is a page of ours that says what to do."""

    @app.errorhandler(CSRFError)
    def _forged(error: CSRFError) -> Any:
        # The session that knew the token has ended: nobody is signed in, and whoever pressed wants to be.
        if "client" in (request.view_args or {}) and not current_user.is_authenticated:
            return authorization.to_sign_in()
        return render_template("errors/csrf.html"), 400

    @app.errorhandler(404)
    @app.errorhandler(NotFound)
    def _not_found(error: Exception) -> tuple[str, int]:
        g.pop("client", None)
        # A link may be meant for another account of the same person.
        onward = authorization.current_location() if current_user.is_authenticated and request.view_args else None
        return render_template("errors/404.html", onward=onward, user=current_user), 404

    @app.errorhandler(RateLimited)
    def _too_often(error: RateLimited) -> Any:
        return render_template("errors/429.html", seconds=error.seconds), 429, {"Retry-After": str(error.seconds)}

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Any:
        if request.blueprint == "webhooks":
            return error  # Nmbrs reads no page
        page = {403: "403", 413: "413", 429: "429", 500: "500"}.get(error.code or 500, "other")
        if page == "500":
            ignore_user_locale()  # asking who looks would ask the database, which may be what is broken
        return render_template(f"errors/{page}.html"), error.code, _told_besides(error)


def _told_besides(error: HTTPException) -> list[tuple[str, str]]:
    """What belongs to an error beside its page, as which methods an address does know."""
    return [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
