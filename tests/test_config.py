"""Settings: production refuses missing, short or unsafe ones; any setting may come from a file."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

import app as application
import config
from config import ConfigError
from connectors.web_push import PUSH_SERVICES

KEY = urlsafe_b64encode(b"k" * 32).decode()
PRODUCTION = {
    "BIZCUIT_ENV": "production",
    "BIZCUIT_BASE_URL": "https://app.example",
    "BIZCUIT_BANKS": "/etc/bizcuit/banks.json",
    "BIZCUIT_BANK_KEY": "/etc/bizcuit/bank.key",
    "BIZCUIT_BANK_CERTIFICATE": "/etc/bizcuit/bank.crt",
    "BIZCUIT_NMBRS_URL": "https://api.nmbrs.example",
    "BIZCUIT_OIDC_ISSUER": "https://broker.example",
    "BIZCUIT_OIDC_CLIENT_ID": "us",
    "BIZCUIT_OIDC_CLIENT_SECRET": "between us and the broker",
    "BIZCUIT_KVK_URL": "https://kvk.example",
    "BIZCUIT_KVK_KEY": "kvk",
    "BIZCUIT_SMTP_HOST": "mail.example",
    "BIZCUIT_SESSION_KEY": "s" * 32,
    "BIZCUIT_LOOKUP_KEY": "l" * 32,
    "BIZCUIT_PUSH_KEY": KEY,
    "BIZCUIT_PIN_PEPPER": "p" * 32,
    "BIZCUIT_DATA_KEYS": f"first:{KEY}",
}
SECRETS = ("SESSION_KEY", "LOOKUP_KEY", "PIN_PEPPER")


def production(home: Path, **changes: str | None) -> config.Config:
    """Return production settings with these differences; None removes one."""
    told = PRODUCTION | {"BIZCUIT_HOME": str(home)} | {f"BIZCUIT_{name}": value for name, value in changes.items()}
    return config.load({name: value for name, value in told.items() if value is not None})


def development(home: Path, **changes: str) -> config.Config:
    return config.load({"BIZCUIT_HOME": str(home)} | {f"BIZCUIT_{name}": value for name, value in changes.items()})


# --- production ---
def test_production_starts_with_complete_settings(tmp_path: Path):
    settings = production(tmp_path)
    assert (settings.production, settings.base_url) == (True, "https://app.example")
    assert (settings.smtp_starttls, settings.smtp_port) == (True, 587)
    assert (settings.data_keys, settings.data_key) == ({"first": b"k" * 32}, "first")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(name.removeprefix("BIZCUIT_") for name in PRODUCTION if name != "BIZCUIT_ENV"))
def test_production_refuses_missing_settings(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match=f"BIZCUIT_{name}"):
        production(tmp_path, **{name: None})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["BANK_TLS_KEY", "BANK_TLS_CERTIFICATE"])
def test_a_client_certificate_requires_its_key(tmp_path: Path, given: str):
    with pytest.raises(ConfigError, match="come together"):
        production(tmp_path, **{given: "/etc/bizcuit/qwac.pem"})


def test_an_unusable_certificate_stops_the_program(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"BIZCUIT_BANK_TLS_CERTIFICATE: such\.crt"):
        application._tls("BANK", "/no/such.crt", "/no/such.key")
    assert application._tls("BANK", "", "") is None


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", ["", "short", "x" * 31])
def test_production_refuses_a_short_secret(tmp_path: Path, name: str, value: str):
    with pytest.raises(ConfigError, match=f"BIZCUIT_{name} must be a secret of at least 32") as refused:
        production(tmp_path, **{name: value})
    assert not value or value not in str(refused.value)


def test_production_refuses_the_secrets_of_development(tmp_path: Path):
    development(tmp_path)
    for name in (*SECRETS, "DATA_KEYS"):
        with pytest.raises(ConfigError, match=name):
            production(tmp_path, **{name: None})


@pytest.mark.parametrize("url", ["http://app.example", "http://localhost:8000", "app.example", "ftp://app.example"])
def test_production_refuses_a_url_without_tls(tmp_path: Path, url: str):
    with pytest.raises(ConfigError, match="BIZCUIT_BASE_URL must be https"):
        production(tmp_path, BASE_URL=url)


@pytest.mark.parametrize("banks", ["http://banks.example/banks", "https://banks.example/banks"])
def test_production_reads_banks_from_a_file_only(tmp_path: Path, banks: str):
    with pytest.raises(ConfigError, match="BIZCUIT_BANKS must be a file"):
        application._banks(production(tmp_path, BANKS=banks))


@pytest.mark.parametrize("value", ["prod", "Production", "live", "1"])
def test_an_unknown_environment_is_refused(tmp_path: Path, value: str):
    with pytest.raises(ConfigError, match="BIZCUIT_ENV"):
        development(tmp_path, ENV=value)


# --- encryption keys ---
@pytest.mark.parametrize(
    "value",
    ["nothing", f":{KEY}", "first:", "first:AAAA", f"first:{KEY}AAAA", "first:***", f"first:{KEY},second", ","],
)
def test_invalid_data_keys_are_refused(tmp_path: Path, value: str):
    with pytest.raises(ConfigError, match="BIZCUIT_DATA_KEYS") as refused:
        production(tmp_path, DATA_KEYS=value)
    assert KEY not in str(refused.value)


def test_the_first_of_several_data_keys_encrypts(tmp_path: Path):
    second = urlsafe_b64encode(b"m" * 32).decode()
    settings = production(tmp_path, DATA_KEYS=f"new:{second}, old:{KEY}")
    assert (settings.data_key, set(settings.data_keys)) == ("new", {"new", "old"})


@pytest.mark.parametrize("value", ["A" * 42 + "E", f"{'A' * 42}E="])
def test_a_vapid_key_in_the_usual_format_is_accepted(tmp_path: Path, value: str):
    assert production(tmp_path, PUSH_KEY=value).push_key == value


@pytest.mark.parametrize("value", ["p" * 32, "A" * 43, "*" * 43, "A" * 64])
def test_an_invalid_vapid_key_is_refused(tmp_path: Path, value: str):
    with pytest.raises(ConfigError, match="BIZCUIT_PUSH_KEY") as refused:
        production(tmp_path, PUSH_KEY=value)
    assert value not in str(refused.value)


def test_push_services_are_read_from_a_list(tmp_path: Path):
    assert production(tmp_path).push_services == PUSH_SERVICES
    services = production(tmp_path, PUSH_SERVICES="push.example, *.Push.example").push_services
    assert services == ("push.example", "*.push.example")
    assert application._pusher(production(tmp_path, PUSH_SERVICES="push.example")).services == ("push.example",)


@pytest.mark.parametrize("value", ["*", "*.", "*.com", "https://push.example", "localhost", "127.0.0.1", "a.example,,"])
def test_push_services_are_hosts_only(tmp_path: Path, value: str):
    with pytest.raises(ConfigError, match="BIZCUIT_PUSH_SERVICES"):
        production(tmp_path, PUSH_SERVICES=value)


def test_a_local_push_service_is_for_development_only(tmp_path: Path):
    assert application._pusher(production(tmp_path)).local == ""
    assert application._pusher(development(tmp_path, SANDBOX_PORT="9001")).local == "http://127.0.0.1:9001"


# --- from a file ---
def test_a_setting_may_come_from_a_file(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("f" * 40 + "\n")
    assert production(tmp_path, SESSION_KEY=None, SESSION_KEY_FILE=str(path)).session_key == "f" * 40
    assert production(tmp_path, SESSION_KEY_FILE=str(path)).session_key == "f" * 40


def test_a_number_may_come_from_a_file(tmp_path: Path):
    path = tmp_path / "number"
    path.write_text(" 120 \n")
    assert development(tmp_path, POLL_SECONDS_FILE=str(path)).poll_seconds == 120


def test_a_missing_file_stops_the_start(tmp_path: Path):
    with pytest.raises(ConfigError, match="BIZCUIT_SESSION_KEY_FILE"):
        production(tmp_path, SESSION_KEY_FILE=str(tmp_path / "none"))


def test_an_empty_file_is_no_secret(tmp_path: Path):
    path = tmp_path / "empty"
    path.write_text("\n")
    with pytest.raises(ConfigError, match="SESSION_KEY"):
        production(tmp_path, SESSION_KEY=None, SESSION_KEY_FILE=str(path))


# --- numbers ---
@pytest.mark.parametrize("name", ["LIMIT_PAYMENT_CENTS", "LIMIT_DAY_CENTS", "POLL_SECONDS", "SMTP_PORT", "PORT"])
@pytest.mark.parametrize("value", ["-1", "1.5", "1e3", "1_000", "100.000", "x", "٣", "1" * 13, "€ 5"])
def test_an_invalid_number_is_refused(tmp_path: Path, name: str, value: str):
    with pytest.raises(ConfigError, match=f"BIZCUIT_{name} must be a whole number"):
        development(tmp_path, **{name: value})


def test_limits_are_in_cents(tmp_path: Path):
    settings = development(tmp_path)
    assert (settings.limit_payment_cents, settings.limit_day_cents) == (10_000_000, 25_000_000)
    assert development(tmp_path, LIMIT_PAYMENT_CENTS="0").limit_payment_cents == 0


@pytest.mark.parametrize("value", ["true", "1", "Yes"])
def test_an_invalid_choice_is_refused(tmp_path: Path, value: str):
    with pytest.raises(ConfigError, match="BIZCUIT_SMTP_STARTTLS must be one of yes, no"):
        development(tmp_path, SMTP_STARTTLS=value)


# --- development ---
def test_development_generates_its_secrets_once(tmp_path: Path):
    first, second = development(tmp_path / "a"), development(tmp_path / "a")
    other = development(tmp_path / "b")
    assert (first.session_key, first.data_keys) == (second.session_key, second.data_keys)
    drawn = [first.session_key, first.lookup_key.decode(), first.pin_pepper.decode(), other.session_key]
    assert len(set(drawn)) == 4
    assert (tmp_path / "a" / "secrets.json").stat().st_mode & 0o077 == 0


def test_development_uses_the_sandbox(tmp_path: Path):
    settings = development(tmp_path, SANDBOX_PORT="9001", PORT="9000")
    told = (settings.nmbrs_url, settings.oidc_issuer, settings.kvk_url, settings.banks)
    assert all(url.startswith("http://127.0.0.1:9001") for url in told)
    assert (settings.base_url, settings.hook_url) == ("http://localhost:9000", "http://127.0.0.1:9000")


def test_no_secret_is_printed(tmp_path: Path):
    settings = production(tmp_path, SMTP_PASSWORD="mail-secret", METRICS_TOKEN="metrics-secret")
    shown = repr(settings)
    hidden = ["s" * 32, "l" * 32, "p" * 32, "between us", "mail-secret", "metrics-secret", "k" * 32, "kvk_key"]
    assert [secret for secret in hidden if secret in shown] == []


PONTO_KEYS = ("TLS_KEY", "TLS_CERTIFICATE", "SIGNATURE_KEY", "SIGNATURE_KEY_ID")


def test_ponto_is_absent_or_complete(tmp_path: Path):
    assert application._ponto_oauth(production(tmp_path)) is None
    told: dict[str, str | None] = {f"PONTO_{name}": "x" for name in PONTO_KEYS}
    told |= {"PONTO_CLIENT_ID": "bizcuit", "PONTO_CLIENT_SECRET": "ponto-secret"}
    settings = production(tmp_path, **told)
    assert settings.ponto_url == "https://api.ibanity.com/ponto-connect"
    assert "ponto-secret" not in repr(settings)
    for name in PONTO_KEYS:
        with pytest.raises(ConfigError, match=f"BIZCUIT_PONTO_{name} is not set"):
            production(tmp_path, **told | {f"PONTO_{name}": None})


# --- identification ---
def identified_by(tmp_path: Path, **given: str) -> config.Config:
    return config.load({"BIZCUIT_HOME": str(tmp_path)} | {f"BIZCUIT_OIDC_{name}": text for name, text in given.items()})


def test_claims_and_levels_of_the_broker_are_pairs(tmp_path: Path):
    found = identified_by(tmp_path, PROFILE="itsme", CLAIMS="birth_date=born, prefix=", ACCEPTED="acr=a:b|c, amr=x")
    assert found.oidc_profile == "itsme"
    assert found.oidc_claims == {"birth_date": "born", "prefix": ""}
    assert found.oidc_accepted == {"acr": ("a:b", "c"), "amr": ("x",)}


@pytest.mark.parametrize(
    "given", [{"PROFILE": "digid"}, {"CLAIMS": "bsn=bsn"}, {"CLAIMS": "birth_date"}, {"ACCEPTED": "=x"}]
)
def test_an_invalid_setting_is_named(tmp_path: Path, given: dict[str, str]):
    with pytest.raises(config.ConfigError, match=f"BIZCUIT_OIDC_{next(iter(given))}"):
        identified_by(tmp_path, **given)
