"""Where the external systems are and as whom we call them: in development the sandbox, in production each must be set.
"""

from config.reader import Reader
from connectors.identity.profiles import DEFAULT, FIELDS, PROFILES

# What the sandbox knows us by. Production refuses each of these values, in whichever setting it stands.
SANDBOX_CREDENTIALS = {
    "OIDC_CLIENT_ID": "bizcuit",
    "OIDC_CLIENT_SECRET": "sandbox-secret",
    "KVK_KEY": "sandbox",
    "NMBRS_CLIENT_ID": "bizcuit-nmbrs",
    "NMBRS_CLIENT_SECRET": "sandbox-nmbrs-secret",
    "NMBRS_SUBSCRIPTION_KEY": "sandbox-subscription-key",
    "PONTO_CLIENT_ID": "bizcuit-ponto",
    "PONTO_CLIENT_SECRET": "sandbox-ponto-secret",
    "NAMES_CLIENT_ID": "bizcuit-names",
    "NAMES_CLIENT_SECRET": "sandbox-names-secret",
}
NMBRS_SCOPES = (
    "offline_access user.info.read company.info.read company.payrollsettings.read company.document.read document.read "
    "employee.info.read employee.bankaccount.read"
)


def external_services(read: Reader, production: bool, sandbox: str) -> dict:
    """Read the addresses and credentials of all external services."""

    def at(name: str, default: str) -> str:
        return read.text(name, None if production else default)

    return {
        "banks": at("BANKS", f"{sandbox}/banks"),
        **_key_pair(read, "BANK", None if production else ""),  # signs requests
        **_key_pair(read, "BANK_TLS", ""),  # our TLS client certificate, for banks that require one (mutual TLS)
        "nmbrs_url": at("NMBRS_URL", sandbox),
        **_nmbrs_rest(read, production, sandbox),
        **_ponto(read, production, sandbox),
        **_names(read, production, sandbox),
        "oidc_issuer": at("OIDC_ISSUER", f"{sandbox}/broker"),
        "oidc_client_id": at("OIDC_CLIENT_ID", SANDBOX_CREDENTIALS["OIDC_CLIENT_ID"]),
        "oidc_client_secret": at("OIDC_CLIENT_SECRET", SANDBOX_CREDENTIALS["OIDC_CLIENT_SECRET"]),
        **_identification(read),
        "kvk_url": at("KVK_URL", f"{sandbox}/kvk/api"),
        "kvk_key": at("KVK_KEY", SANDBOX_CREDENTIALS["KVK_KEY"]),
        "kvk_certificate": read.text("KVK_CERTIFICATE", ""),
    }


def _identification(read: Reader) -> dict:
    """Read how users identify: a profile by name, and the deviations from it."""
    claims = read.pairs("OIDC_CLAIMS")
    if unknown := sorted(set(claims) - set(FIELDS)):
        read.refuse("OIDC_CLAIMS", f"names {unknown[0]}; known are {', '.join(FIELDS)}")
    return {
        "oidc_profile": read.choice("OIDC_PROFILE", DEFAULT, *PROFILES),
        "oidc_scopes": read.text("OIDC_SCOPES", ""),
        "oidc_acr": read.text("OIDC_ACR", ""),
        "oidc_claims": claims,
        "oidc_accepted": {name: tuple(values.split("|")) for name, values in read.pairs("OIDC_ACCEPTED").items()},
    }


def _key_pair(read: Reader, name: str, default: str | None) -> dict:
    """Read the paths of a key and of its certificate; None as the default makes them required."""
    key, certificate = read.text(f"{name}_KEY", default), read.text(f"{name}_CERTIFICATE", default)
    if default is not None and bool(key) != bool(certificate):
        read.refuse(f"{name}_KEY", f"and BIZCUIT_{name}_CERTIFICATE come together")
    return {f"{name.lower()}_key": key, f"{name.lower()}_certificate": certificate}


def _nmbrs_rest(read: Reader, production: bool, sandbox: str) -> dict:
    """Read the settings of the Nmbrs REST API. Without a client id it is not offered; with one, all are required."""
    client_id = _client_id(read, production, "NMBRS_CLIENT_ID")
    required = None if production and client_id else ""
    return {
        "nmbrs_rest_url": read.text(
            "NMBRS_REST_URL", "https://api.nmbrsapp.com" if production else f"{sandbox}/nmbrs-rest"
        ),
        "nmbrs_authority": read.text(
            "NMBRS_AUTHORITY",
            "https://identityservice.nmbrs.com/connect" if production else f"{sandbox}/nmbrs-identity/connect",
        ),
        "nmbrs_client_id": client_id,
        "nmbrs_client_secret": _issued(read, production, "NMBRS_CLIENT_SECRET", required),
        "nmbrs_subscription_key": _issued(read, production, "NMBRS_SUBSCRIPTION_KEY", required),
        "nmbrs_scopes": read.text("NMBRS_SCOPES", NMBRS_SCOPES),
    }


def _ponto(read: Reader, production: bool, sandbox: str) -> dict:
    """Read the settings of Ponto Connect.

    Without a client id its banks cannot be linked; with one, production needs its secret and both keys.
    """
    client_id = _client_id(read, production, "PONTO_CLIENT_ID")
    required = None if production and client_id else ""
    keys = ("PONTO_TLS_KEY", "PONTO_TLS_CERTIFICATE", "PONTO_SIGNATURE_KEY", "PONTO_SIGNATURE_KEY_ID")
    return {
        "ponto_url": read.text(
            "PONTO_URL", "https://api.ibanity.com/ponto-connect" if production else f"{sandbox}/ponto/api"
        ),
        "ponto_authority": read.text(
            "PONTO_AUTHORITY", "https://authorization.myponto.com" if production else f"{sandbox}/ponto"
        ),
        "ponto_client_id": client_id,
        "ponto_client_secret": _issued(read, production, "PONTO_CLIENT_SECRET", required),
        **{name.lower(): read.text(name, required) for name in keys},
    }


def _names(read: Reader, production: bool, sandbox: str) -> dict:
    """Read the settings of the service that checks names before a payment; with none of them, no name is checked."""
    service = read.choice("NAMES_SERVICE", "none" if production else "surepay", "none", "surepay", "mollie")
    required = None if production and service != "none" else ""
    return {
        "names_service": service,
        "names_url": read.text("NAMES_URL", required if production else f"{sandbox}/names/{service}"),
        "names_client_id": _issued(read, production, "NAMES_CLIENT_ID", required if service == "surepay" else ""),
        "names_client_secret": _issued(read, production, "NAMES_CLIENT_SECRET", required),
    }


def _client_id(read: Reader, production: bool, name: str) -> str:
    return read.text(name, "" if production else SANDBOX_CREDENTIALS[name])


def _issued(read: Reader, production: bool, name: str, required: str | None) -> str:
    """Read a credential that the other side issued; `required` is None if it may not be absent."""
    return read.text(name, required if production else SANDBOX_CREDENTIALS[name])
