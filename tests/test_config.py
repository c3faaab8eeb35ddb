"""Settings: each is read and checked; any may come from a file. What production refuses: test_config_production.py."""

import os
from pathlib import Path

import pytest

import app as application
import config
from config import ConfigError
from connectors.web_push import PUSH_SERVICES
from tests.support.production_settings import KEY, SECRETS, complete, drawn, in_base64, production

PUSH_KEY = in_base64(drawn("push"))


def development(home: Path, **changes: str) -> config.Config:
    return config.load({"BIZCUIT_HOME": str(home)} | {f"BIZCUIT_{name}": value for name, value in changes.items()})


@pytest.mark.parametrize("given", ["BANK_TLS_KEY", "BANK_TLS_CERTIFICATE", "BANK_KEY", "BANK_CERTIFICATE"])
def test_a_client_certificate_requires_its_key(tmp_path: Path, given: str):
    with pytest.raises(ConfigError, match="come together"):
        development(tmp_path, **{given: "/etc/bizcuit/qwac.pem"})


def test_an_unusable_certificate_stops_the_program(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"BIZCUIT_BANK_TLS_CERTIFICATE: such\.crt"):
        application._tls("BANK", "/no/such.crt", "/no/such.key")
    assert application._tls("BANK", "", "") is None


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
    second = in_base64(drawn("second"))
    settings = production(tmp_path, DATA_KEYS=f"new:{second}, old:{KEY}")
    assert (settings.data_key, set(settings.data_keys)) == ("new", {"new", "old"})


@pytest.mark.parametrize("value", [PUSH_KEY, PUSH_KEY.rstrip("=")])
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
    key = drawn("file").hex()
    path.write_text(key + "\n")
    assert production(tmp_path, SESSION_KEY=None, SESSION_KEY_FILE=str(path)).session_key == key
    assert production(tmp_path, SESSION_KEY_FILE=str(path)).session_key == key


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


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [("SMTP_PORT", "65536", 65535), ("PORT", "99999", 65535), ("SANDBOX_PORT", "80010", 65535), ("PROXIES", "11", 10)],
)
def test_a_number_that_is_too_high_is_refused(tmp_path: Path, name: str, value: str, most: int):
    with pytest.raises(ConfigError, match=f"^BIZCUIT_{name} must be at most {most}$"):
        development(tmp_path, **{name: value})


def test_limits_are_in_cents(tmp_path: Path):
    settings = development(tmp_path)
    assert (settings.limit_payment_cents, settings.limit_day_cents) == (10_000_000, 25_000_000)
    assert development(tmp_path, LIMIT_PAYMENT_CENTS="0").limit_payment_cents == 0


@pytest.mark.parametrize("value", ["true", "1", "Yes"])
def test_an_invalid_choice_is_refused(tmp_path: Path, value: str):
    with pytest.raises(ConfigError, match="BIZCUIT_SMTP_STARTTLS must be one of yes, no"):
        development(tmp_path, SMTP_STARTTLS=value)


@pytest.mark.parametrize("name", ["MAIL_FROM", "SUPPORT_EMAIL"])
@pytest.mark.parametrize("value", ["nobody", "a@b", "Bizcuit <noreply@bizcuit.nl", "a@b.nl\nBcc: c@d.nl", "<a@b.nl> x"])
def test_a_sender_is_an_address(tmp_path: Path, name: str, value: str):
    with pytest.raises(ConfigError, match=f"^BIZCUIT_{name} must be an e-mail address$"):
        development(tmp_path, **{name: value})
    assert development(tmp_path, **{name: "Loon & Zo <pay@pay.example>"})


@pytest.mark.parametrize("name", ["SESSION_KEY", "SMTP_PASSWORD", "BASE_URL"])
def test_a_setting_that_is_no_text_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match=f"BIZCUIT_{name} is no text in UTF-8"):
        production(tmp_path, **{name: os.fsdecode(b"\xff\xfe" + b"x1y2z3" * 9)})


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
    token = drawn("metrics").hex()
    shown = repr(production(tmp_path, SMTP_PASSWORD="mail-secret", METRICS_TOKEN=token))
    ours = [complete()[f"BIZCUIT_{name}"] for name in (*SECRETS, "PUSH_KEY", "OIDC_CLIENT_SECRET", "KVK_KEY")]
    hidden = [*ours, "mail-secret", token, repr(drawn("data"))[2:12], "kvk_key"]
    assert [secret for secret in hidden if secret in shown] == []


PONTO_KEYS = ("TLS_KEY", "TLS_CERTIFICATE", "SIGNATURE_KEY", "SIGNATURE_KEY_ID")


def test_ponto_is_absent_or_complete(tmp_path: Path):
    assert application._ponto_oauth(production(tmp_path)) is None
    told: dict[str, str | None] = {f"PONTO_{name}": complete()["BIZCUIT_BANK_KEY"] for name in PONTO_KEYS}
    told |= {"PONTO_CLIENT_ID": "us-at-ponto", "PONTO_CLIENT_SECRET": "ponto-secret"}
    settings = production(tmp_path, **told)
    assert settings.ponto_url == "https://api.ibanity.com/ponto-connect"
    assert "ponto-secret" not in repr(settings)
    for name in (*PONTO_KEYS, "CLIENT_SECRET"):
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


def test_development_names_all_faults_at_once(tmp_path: Path):
    with pytest.raises(ConfigError) as refused:
        development(tmp_path, PORT="x", SMTP_STARTTLS="maybe", OIDC_CLAIMS="bsn=bsn", BANK_KEY="/no", BANKS="/no")
    named = [fault.split()[0].removeprefix("BIZCUIT_") for fault in refused.value.faults]
    assert sorted(named) == ["BANKS", "BANK_KEY", "OIDC_CLAIMS", "PORT", "SMTP_STARTTLS"]
