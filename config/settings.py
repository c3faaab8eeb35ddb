"""The settings as the program uses them."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """All settings. Limits are integer cents, `poll_seconds` is seconds."""

    production: bool
    home: Path
    database_url: str
    redis_url: str
    audit_anchors: Path
    base_url: str
    hook_url: str
    sandbox_url: str
    banks: str
    bank_key: str
    bank_certificate: str
    bank_tls_key: str
    bank_tls_certificate: str
    nmbrs_url: str
    nmbrs_rest_url: str
    nmbrs_authority: str
    nmbrs_client_id: str
    nmbrs_client_secret: str = field(repr=False)
    nmbrs_subscription_key: str = field(repr=False)
    nmbrs_scopes: str
    ponto_url: str
    ponto_authority: str
    ponto_client_id: str
    ponto_client_secret: str = field(repr=False)
    ponto_tls_key: str
    ponto_tls_certificate: str
    ponto_signature_key: str
    ponto_signature_key_id: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = field(repr=False)
    oidc_profile: str
    oidc_scopes: str
    oidc_acr: str
    oidc_claims: dict[str, str]
    oidc_accepted: dict[str, tuple[str, ...]]
    names_service: str
    names_url: str
    names_client_id: str
    names_client_secret: str = field(repr=False)
    kvk_url: str
    kvk_key: str = field(repr=False)
    kvk_certificate: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str = field(repr=False)
    smtp_starttls: bool
    mail_from: str
    support_email: str
    push_key: str = field(repr=False)
    push_services: tuple[str, ...]
    session_key: str = field(repr=False)
    lookup_key: bytes = field(repr=False)
    pin_pepper: bytes = field(repr=False)
    backup_key: bytes = field(repr=False)
    data_keys: dict[str, bytes] = field(repr=False)
    data_key: str
    limit_payment_cents: int
    limit_day_cents: int
    poll_seconds: int
    kept_years: int
    metrics_token: str = field(repr=False)
    proxies: int
    log_json: bool
