"""The Flask application: create_app() in named steps, with the operators' commands."""

import logging
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from ssl import SSLContext
from typing import Any

import click
from flask import Flask, g, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from htmx_flask import Htmx
from itsdangerous import Signer
from jinja2 import StrictUndefined
from peewee import PeeweeException
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import commands
import config
import jobs
import models
from blueprints.payroll.presenters.held_lines import held_reason, held_todo
from blueprints.payroll.presenters.status import reason_text, run_todo
from blueprints.web import authorization
from blueprints.web.compression import init_compression
from blueprints.web.formatters import init_context
from blueprints.web.i18n import ignore_user_locale, init_languages
from blueprints.web.outside_text import init_outside_text
from blueprints.web.request_bytes import ReadableRequests
from blueprints.web.request_ids import init_request_ids
from blueprints.web.security_headers import init_security
from blueprints.web.security_log import init_security_log
from blueprints.web.session_interface import StoredSessions, require_known
from blueprints.web.static_assets import SERVED, init_assets
from blueprints.web.uploads import init_uploads
from blueprints.web.urls import init_urls
from blueprints.web.visitor_forms import VisitorCsrfProtect
from connectors import calls
from connectors.anchors import FileAnchors
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
from connectors.marks import FileMarks
from connectors.names.mollie import Mollie
from connectors.names.port import NameChecker
from connectors.names.surepay import SurePay
from connectors.names.transport import NameServiceSettings
from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.nmbrs.rest import RestPayroll, RestSettings
from connectors.nmbrs.soap import SoapPayroll
from connectors.register.kvk import KvkRegister
from connectors.smtp import SmtpMailer
from connectors.web_push import WebPushClient
from core.encryption import Keyring
from core.log_records import log_to_stderr, use_one_line_records
from core.private_files import keep_private
from domain.common.errors import NotFound, RateLimited
from domain.common.services import Services
from domain.common.services import configure as configure_domain
from domain.orders import restore_watch
from jobs import mail_rendering
from jobs.call_tally import RedisCallTally
from jobs.marks import QueueMarks
from jobs.queue_watch import RedisQueueWatch

SCREENS = (
    "shortcuts", "account", "onboarding", "banking", "payroll", "payments", "overview", "team", "settings", "webhooks",
    "pwa", "ops",
)  # fmt: skip


log = logging.getLogger(__name__)
RETRY_SECONDS = "60"  # after which a browser may try again when the database was away
GIVE_UP = 4  # the exit code after which gunicorn starts no new worker

# Words of the pages that mails use too; the worker renders mails without any blueprint.
MAIL_WORDS = (held_reason, held_todo, reason_text, run_todo)


def create_app(settings: config.Config | None = None) -> Flask:
    """Return the web application, ready to serve. Invalid settings end the program with a line for each fault."""
    if click.get_current_context(silent=True) is None:
        log_to_stderr()
    with config.exit_on_faults(1 if click.get_current_context(silent=True) else GIVE_UP):
        return _create_app(settings or config.load())


def _create_app(settings: config.Config) -> Flask:
    if click.get_current_context(silent=True) is None:
        log_to_stderr(settings.log_json)
    app = bare_app(settings)
    app.wsgi_app = ReadableRequests(app.wsgi_app)
    if settings.proxies:  # trust the last entries of X-Forwarded-For; earlier ones can be forged by the client
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)
    configure_services(settings, app)
    jobs.connect(settings.redis_url)
    use_sessions(app, settings)
    use_database(app)
    use_screens(app)
    use_errors(app)
    commands.register(app)
    if click.get_current_context(silent=True) is None:  # it serves; a command decides for itself
        require_schema()
        watch_for_restore()
    return app


def require_schema() -> None:
    """At the start of a program: refuse a database that lacks tables of this version. One that is away is waited for.

    Raises:
    - ConfigError: it names the migrations.
    """
    pending: list[str] = []
    try:
        with models.database.connection_context():
            pending = models.pending_migrations()
    except PeeweeException as error:  # /readyz says so
        log.warning("which migrations the database has is not known yet: %s", type(error).__name__)
    finally:
        models.disconnect()  # the processes that are forked from this one open their own
    if pending:
        raise config.ConfigError(
            f"The database lacks {len(pending)} migrations of this version ({', '.join(pending)}). "
            "Run `flask --app app migrate` first."
        )


def watch_for_restore() -> None:
    """At the start of a program: place a hold if the database was restored since. The sweep does it again."""
    try:
        with models.database.connection_context():
            restore_watch.hold_if_no_witness_agrees()
    except PeeweeException as error:  # /readyz says so
        log.warning("whether the database was restored is not known yet: %s", type(error).__name__)
    finally:
        models.disconnect()  # the processes that are forked from this one open their own


def configure_services(settings: config.Config, app: Flask | None = None) -> None:
    """Configure the database and the domain's services: the only place that chooses the adapters."""
    keep_private(settings.home)
    use_one_line_records()
    models.connect(settings.database_url)
    calls.use_tally(RedisCallTally(jobs.connection))
    configure_domain(
        Services(
            payroll=SoapPayroll(settings.nmbrs_url), payroll_rest=_payroll_rest(settings),
            nmbrs_oauth=_nmbrs_oauth(settings), rest_offered=bool(settings.nmbrs_client_id), bank=_bank(settings),
            banks=_banks(settings), ponto=_ponto_oauth(settings),
            identity=_identity(settings), register=_register(settings), names=_names(settings),
            mailer=_mailer(settings), pusher=_pusher(settings),
            anchors=FileAnchors(settings.audit_anchors),
            marks=(FileMarks(settings.home), QueueMarks(jobs.connection)), queue=RedisQueueWatch(jobs.connection),
            keyring=Keyring(settings.data_keys, settings.data_key), lookup_key=settings.lookup_key,
            pin_pepper=settings.pin_pepper, base_url=settings.base_url,
            hook_url=settings.hook_url, support_email=settings.support_email,
            limit_payment_cents=settings.limit_payment_cents, limit_day_cents=settings.limit_day_cents,
            poll_seconds=settings.poll_seconds, kept_years=settings.kept_years, operators_sign_in=settings.production,
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
    """Return the adapters of all banks; Ponto only if this installation has credentials for it."""
    ponto: dict[Adapter, Bank] = {"ponto": PontoBank(_ponto(settings))} if settings.ponto_client_id else {}
    return BanksByAdapter({"berlin_group": _berlin_group(settings), **ponto})


def _ponto(settings: config.Config) -> PontoSettings:
    """Return the settings for Ponto. In development, requests are signed with the key in the home folder."""
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
    """Return the Berlin Group adapter with our signing key; in development a key from the home folder."""
    if settings.bank_key:
        signer = http_signatures.load(Path(settings.bank_key), Path(settings.bank_certificate))
    else:
        signer = http_signatures.development_identity(settings.home)
    return BerlinGroupBank(signer, tls=_tls("BANK", settings.bank_tls_certificate, settings.bank_tls_key))


def _tls(setting: str, certificate: str, key: str) -> SSLContext | None:
    """Return the TLS context with our client certificate, or None without a key.

    Raises:
    - ConfigError: the certificate or key cannot be used.
    """
    if not key:
        return None
    try:
        return tls_with(Path(certificate), Path(key))
    except ValueError as error:
        raise config.ConfigError(f"BIZCUIT_{setting}_TLS_CERTIFICATE: {error}") from error


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


def _names(settings: config.Config) -> NameChecker | None:
    """Return the service that checks names before a payment, if this installation has one."""
    made = {"surepay": SurePay, "mollie": Mollie}.get(settings.names_service)
    if made is None:
        return None
    return made(NameServiceSettings(settings.names_url, settings.names_client_secret, settings.names_client_id))


def _mailer(settings: config.Config) -> SmtpMailer:
    return SmtpMailer(
        host=settings.smtp_host, port=settings.smtp_port, sender=settings.mail_from, user=settings.smtp_user,
        password=settings.smtp_password, starttls=settings.smtp_starttls,
    )  # fmt: skip


def _pusher(settings: config.Config) -> WebPushClient:
    """Return the Web Push client. In development, the sandbox's push service on this machine is allowed."""
    local = "" if settings.production else settings.sandbox_url
    return WebPushClient(settings.push_key, settings.support_email, local=local, services=settings.push_services)


def _banks(settings: config.Config) -> FileDirectory | HttpDirectory:
    """Return the directory of bank configurations: a file, or in development the sandbox's URL."""
    if settings.banks.startswith("http"):
        if settings.production:
            raise config.ConfigError("BIZCUIT_BANKS must be a file in production")
        return HttpDirectory(settings.banks)
    return FileDirectory(Path(settings.banks))


def bare_app(settings: config.Config) -> Flask:
    """Return an application with templates, translations and settings, but without routes."""
    app = Flask("app", root_path=str(config.ROOT))
    app.config.update(
        SECRET_KEY=settings.session_key,
        PREFERRED_URL_SCHEME="https" if settings.base_url.startswith("https") else "http",
        BASE_URL=settings.base_url,
        SUPPORT_EMAIL=settings.support_email,
        IDENTITY_METHOD=PROFILES[settings.oidc_profile].name,
        METRICS_TOKEN=settings.metrics_token,
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        DEBUG=False,  # whatever FLASK_DEBUG says: a debugger has no place where money is paid
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    init_languages(app)
    init_assets(app)
    init_context(app)
    init_outside_text(app)
    app.jinja_env.globals["possible"] = authorization.is_possible
    for text_of in MAIL_WORDS:
        app.add_template_filter(text_of)
    return app


def use_sessions(app: Flask, settings: config.Config) -> None:
    """Configure sessions in the database, sign-in, CSRF protection and htmx."""
    Signer.default_digest_method = staticmethod(sha256)  # of form tokens; the default is SHA-1 (ASVS 11.4.1)
    secure = settings.base_url.startswith("https")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-bz" if secure else "bz",
        DEVICE_COOKIE_NAME="__Host-bzd" if secure else "bzd",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # the token is valid as long as the session
        WTF_CSRF_SSL_STRICT=False,  # our own Origin check also covers http
    )
    app.session_interface = StoredSessions()
    authorization.login.init_app(app)
    init_request_ids(app)
    init_security_log(app)
    Htmx(app)
    init_security(app)
    init_compression(app)


def use_database(app: Flask) -> None:
    """Open a database connection for each request, except static files, and release it at the end."""

    @app.before_request
    def _open() -> None:
        if request.endpoint not in (*SERVED, "ops.liveness", "ops.readiness"):  # probes say themselves what is missing
            require_known()
            models.database.connect(reuse_if_open=True)

    @app.teardown_request
    def _close(_: BaseException | None) -> None:
        models.release_connection()


def use_screens(app: Flask) -> None:
    """Register all blueprints. Webhooks and the push renewal are exempt from CSRF: machines call them."""
    init_uploads(app)
    protect = VisitorCsrfProtect(app)
    init_urls(app)
    for name in SCREENS:
        blueprint = import_module(f"blueprints.{name}").blueprint
        app.register_blueprint(blueprint)
        if name == "webhooks":
            protect.exempt(blueprint)
    protect.exempt("blueprints.pwa.routes.subscription_renewed")


def use_errors(app: Flask) -> None:
    """Render an error page that says what to do."""

    @app.errorhandler(CSRFError)
    def _forged(error: CSRFError) -> Any:
        # the session with the token has ended: offer to sign in
        if "client" in (request.view_args or {}) and not current_user.is_authenticated:
            return authorization.to_sign_in()
        return render_template("errors/csrf.html"), 400

    @app.errorhandler(404)
    @app.errorhandler(NotFound)
    def _not_found(error: Exception) -> tuple[str, int]:
        g.pop("client", None)
        # the link may be meant for another account of this person
        onward = authorization.current_location() if current_user.is_authenticated and request.view_args else None
        return render_template("errors/404.html", onward=onward, user=current_user), 404

    @app.errorhandler(RateLimited)
    def _too_often(error: RateLimited) -> Any:
        return render_template("errors/429.html", seconds=error.seconds), 429, {"Retry-After": str(error.seconds)}

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Any:
        if request.blueprint == "webhooks" or isinstance(error, BadHost):
            return error  # for Nmbrs, and where no address can be made: without a page
        if models.is_unavailable(getattr(error, "original_exception", None)):
            return _unavailable()
        page = {403: "403", 413: "413", 429: "429", 500: "500"}.get(error.code or 500, "other")
        if page == "500":
            ignore_user_locale()  # the database may be the cause of the error
        return render_template(f"errors/{page}.html"), error.code, _error_headers(error)


def _unavailable() -> Any:
    """Say that the database is locked, full or being restarted, and to try again."""
    ignore_user_locale()
    models.drop_idle_connections()
    return render_template("errors/503.html"), 503, {"Retry-After": RETRY_SECONDS}


def _error_headers(error: HTTPException) -> list[tuple[str, str]]:
    """Return the error's own headers, such as Allow, except Content-Type."""
    return [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
