"""What production refuses: missing, known, equal and guessable secrets, plain http, open mail; all of it at once."""

import json
import ssl
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

import config
from config import ConfigError
from config.external_services import SANDBOX_CREDENTIALS
from config.production import ADDRESSES, IDS, ISSUED
from config.strength import is_trivial
from models.dialect import database_at
from tests.support.production_settings import BANK, KEY, SECRETS, complete, drawn, in_base64, production

ROOT = Path(__file__).parent.parent
REQUIRED = sorted({"HOME", *(name.removeprefix("BIZCUIT_") for name in complete())} - {"ENV"})
NAMES = {
    "NAMES_SERVICE": "surepay", "NAMES_URL": "https://names.example", "NAMES_CLIENT_ID": "us-there",
    "NAMES_CLIENT_SECRET": "as drawn by them for names",
}  # fmt: skip
NMBRS_REST = {
    "NMBRS_CLIENT_ID": "us-nmbrs", "NMBRS_CLIENT_SECRET": "as drawn by them", "NMBRS_SUBSCRIPTION_KEY": "a1b2c3d4",
}  # fmt: skip


def faults(home: Path, **changes: str | None) -> tuple[str, ...]:
    """Return what production says of the complete settings with these differences."""
    try:
        production(home, **changes)
    except ConfigError as error:
        return error.faults
    return ()


def test_production_starts_with_complete_settings(tmp_path: Path):
    settings = production(tmp_path)
    assert (settings.production, settings.base_url) == (True, "https://app.example")
    assert (settings.smtp_starttls, settings.smtp_port) == (True, 587)
    assert (settings.data_keys, settings.data_key) == ({"first": drawn("data")}, "first")
    assert list(tmp_path.iterdir()) == []
    assert faults(tmp_path, **NMBRS_REST) == ()


def test_what_the_tax_authority_may_ask_is_kept(tmp_path: Path):
    assert faults(tmp_path, KEPT_YEARS="6") == ("BIZCUIT_KEPT_YEARS must be 7 or more in production",)
    assert production(tmp_path, KEPT_YEARS="10").kept_years == 10


# --- missing ---
@pytest.mark.parametrize("name", REQUIRED)
def test_each_missing_setting_is_named(tmp_path: Path, name: str):
    assert [fault for fault in faults(tmp_path, **{name: None}) if fault.startswith(f"BIZCUIT_{name} ")]
    assert list(tmp_path.iterdir()) == []


def test_all_that_is_missing_is_named_at_once(tmp_path: Path):
    with pytest.raises(ConfigError) as refused:
        config.load({"BIZCUIT_ENV": "production"})
    named = {fault.split()[0] for fault in refused.value.faults}
    assert named == {f"BIZCUIT_{name}" for name in REQUIRED}
    assert str(refused.value).splitlines() == list(refused.value.faults)


@pytest.mark.parametrize("name", ["NMBRS_CLIENT_SECRET", "NMBRS_SUBSCRIPTION_KEY"])
def test_the_rest_credentials_of_nmbrs_come_together(tmp_path: Path, name: str):
    assert faults(tmp_path, **NMBRS_REST | {name: ""}) == (f"BIZCUIT_{name} is not set",)


def test_the_service_that_checks_names_is_chosen_and_then_whole(tmp_path: Path):
    assert production(tmp_path).names_service == "none"
    assert faults(tmp_path, **NAMES) == ()
    for name in ("NAMES_URL", "NAMES_CLIENT_ID", "NAMES_CLIENT_SECRET"):
        assert faults(tmp_path, **NAMES | {name: ""}) == (f"BIZCUIT_{name} is not set",)
    assert faults(tmp_path, **NAMES | {"NAMES_SERVICE": "mollie", "NAMES_CLIENT_ID": ""}) == ()
    assert "BIZCUIT_NAMES_URL must be https" in faults(tmp_path, **NAMES | {"NAMES_URL": "http://names.example"})[0]
    assert faults(tmp_path, **NAMES | {"NAMES_CLIENT_SECRET": "sandbox-names-secret"})


# --- addresses ---
@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "url",
    ["http://app.example", "http://localhost:8000", "http://127.0.0.1", "app.example", "ftp://app.example", "https://",
     "HTTP://app.example", "https://user:word@app.example", "https://app.example?x=1", "https://app.example:none"],
)  # fmt: skip
def test_every_address_must_be_https(tmp_path: Path, name: str, url: str):
    found = faults(tmp_path, **{name: url})
    assert f"BIZCUIT_{name}" in {fault.split(" must be https")[0] for fault in found}


def test_every_setting_with_an_address_is_among_those_that_are_checked():
    """The checks of https are complete: every setting that holds an address in development stands in the list."""
    told = {**complete(), **{f"BIZCUIT_{name}": value for name, value in NAMES.items()}}
    settings = config.load({"BIZCUIT_HOME": "/nonexistent-is-not-written", **told})
    read = {name.upper() for name, value in vars(settings).items() if isinstance(value, str) and "://" in value}
    assert read - {"DATABASE_URL", "REDIS_URL", "SANDBOX_URL"} == set(ADDRESSES)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:Qx7-vRt2@db.example/pay", "postgresql://u:Qx7-vRt2@db.example/pay?sslmode=require",
     "postgresql://u:Qx7-vRt2@db.example/pay?sslmode=verify-ca", "postgres://u:Qx7-vRt2@10.0.0.4:5432/pay?sslmode=disable",
     "postgresql://u:Qx7-vRt2@localhost/pay?host=db.example", "postgresql://u:Qx7-vRt2@localhost,db.example/pay"],
)  # fmt: skip
def test_a_database_on_another_machine_is_reached_over_tls(tmp_path: Path, url: str):
    (fault,) = faults(tmp_path, DATABASE_URL=url)
    assert fault.startswith("BIZCUIT_DATABASE_URL ") and "sslmode=verify-full" in fault and "Qx7" not in fault


@pytest.mark.parametrize(
    "url",
    ["redis://queue.example:6379/0", "redis://:Qx7-vRt2@10.0.0.4/0", "rediss://queue.example/0?ssl_cert_reqs=none",
     "rediss://queue.example/0?ssl_check_hostname=false"],
)  # fmt: skip
def test_a_queue_on_another_machine_is_reached_over_tls(tmp_path: Path, url: str):
    (fault,) = faults(tmp_path, REDIS_URL=url)
    assert fault.startswith("BIZCUIT_REDIS_URL ") and "rediss://" in fault


@pytest.mark.parametrize(
    "stores",
    [{"DATABASE_URL": "postgresql://u:Qx7-vRt2@db.example/pay?sslmode=verify-full", "REDIS_URL": "rediss://q.example:6380/0"},
     {"DATABASE_URL": "postgresql://u:Qx7-vRt2@127.0.0.1:5432/pay", "REDIS_URL": "redis://localhost:6379/0"},
     {"DATABASE_URL": "postgresql:///pay?host=/run/postgresql", "REDIS_URL": "unix:///run/queue.sock"}],
)  # fmt: skip
def test_stores_over_tls_or_on_this_machine_are_not_refused(tmp_path: Path, stores: dict[str, str]):
    assert faults(tmp_path, **stores) == ()


def test_the_driver_checks_the_certificate_that_the_address_asks_for():
    found = database_at("postgresql://u:Qx7-vRt2@db.example/pay?sslmode=verify-full&sslrootcert=/ca.pem").connect_params
    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "/ca.pem")
    made: Any = Redis.from_url("rediss://queue.example:6380/0").connection_pool.make_connection()
    assert (made.cert_reqs, made.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("url", ["sqlite:///bizcuit.db", "sqlite:///var/bizcuit.db", "sqlite:///:memory:"])
def test_the_file_of_a_database_has_an_absolute_path(tmp_path: Path, url: str):
    assert faults(tmp_path, DATABASE_URL=url) == (
        "BIZCUIT_DATABASE_URL must name the file by its absolute path in production: sqlite:////path",
    )
    assert faults(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/bizcuit.db") == ()


@pytest.mark.parametrize("password", ["p", "aaaaaaaaaaaa", "abcabcabc", "changeme", "postgres", "secret-1", "Welkom01"])
@pytest.mark.parametrize(
    ("name", "url"),
    [("DATABASE_URL", "postgresql://us:{}@127.0.0.1/pay"),
     ("DATABASE_URL", "postgresql://us:{}@db.example/pay?sslmode=verify-full"),
     ("REDIS_URL", "rediss://:{}@queue.example/0")],
)  # fmt: skip
def test_a_password_of_a_store_that_can_be_guessed_is_refused(tmp_path: Path, name: str, url: str, password: str):
    assert faults(tmp_path, **{name: url.format(password)}) == (f"BIZCUIT_{name} has a password that can be guessed",)
    assert faults(tmp_path, **{name: url.format("kD7%40wq%2FZ1r")}) == ()


def test_a_password_of_a_store_is_no_other_secret(tmp_path: Path):
    key = drawn("shared").hex()
    (fault,) = faults(tmp_path, DATABASE_URL=f"postgresql://us:{key}@127.0.0.1/pay", SESSION_KEY=key)
    assert "BIZCUIT_DATABASE_URL (password) are equal" in fault and key not in fault


@pytest.mark.parametrize("url", ["https://app.example/pay", "https://app.example/pay/"])
def test_pages_stand_at_the_root(tmp_path: Path, url: str):
    assert faults(tmp_path, BASE_URL=url) == ("BIZCUIT_BASE_URL must have no path",)
    assert production(tmp_path, BASE_URL="https://app.example/").base_url == "https://app.example"


def test_nmbrs_is_not_asked_all_the_time(tmp_path: Path):
    assert faults(tmp_path, POLL_SECONDS="59") == ("BIZCUIT_POLL_SECONDS must be 60 or more in production",)
    assert production(tmp_path, POLL_SECONDS="60").poll_seconds == 60


# --- where it writes ---
@pytest.mark.parametrize(
    ("home", "why"),
    [("var", "must be an absolute path"), ("/", "is a folder of the system"), ("/etc", "is a folder of the system"),
     ("/etc/", "is a folder of the system"), ("/var/lib", "is a folder of the system"),
     ("/sys/kernel", "is a folder of the system"), ("/etc/hostname", "is not a folder")],
)  # fmt: skip
def test_the_home_folder_is_the_programs_own(home: str, why: str):
    with pytest.raises(ConfigError) as refused:
        config.load({**complete(), "BIZCUIT_HOME": home})
    (fault,) = refused.value.faults
    assert fault.startswith(f"BIZCUIT_HOME {why}")


@pytest.mark.parametrize("url", ["http://bank.example", "http://127.0.0.1:9", "http://localhost"])
def test_every_bank_must_be_https(tmp_path: Path, url: str):
    (tmp_path / "banks.json").write_text(json.dumps([BANK, BANK | {"id": "other", "base_url": url}]))
    (fault,) = faults(tmp_path, BANKS=str(tmp_path / "banks.json"))
    assert fault.startswith("BIZCUIT_BANKS ") and "other" in fault and "https" in fault


@pytest.mark.parametrize("banks", ["http://banks.example/banks", "https://banks.example/banks"])
def test_banks_come_from_a_file_only(tmp_path: Path, banks: str):
    assert faults(tmp_path, BANKS=banks) == ("BIZCUIT_BANKS must be a file in production",)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b"[1]", b"[" * 100_000])
def test_an_unusable_file_of_banks_is_refused(tmp_path: Path, content: bytes | None):
    path = tmp_path / "banks.json"
    if content is not None:
        path.write_bytes(content)
    (fault,) = faults(tmp_path, BANKS=str(path))
    assert fault.startswith("BIZCUIT_BANKS cannot be ")


@pytest.mark.parametrize("name", ["BANK_KEY", "BANK_CERTIFICATE", "KVK_CERTIFICATE"])
@pytest.mark.parametrize("content", [None, b"no pem"])
def test_an_unusable_key_file_is_refused(tmp_path: Path, name: str, content: bytes | None):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    (fault,) = faults(tmp_path, **{name: str(path)})
    assert fault.startswith(f"BIZCUIT_{name.replace('BANK_CERTIFICATE', 'BANK_KEY')} cannot be ")


# --- mail ---
@pytest.mark.parametrize("host", ["mail.example", "10.0.0.2", "127.0.0.1.example", "localhost.example"])
def test_a_mail_server_on_another_machine_requires_tls(tmp_path: Path, host: str):
    (fault,) = faults(tmp_path, SMTP_STARTTLS="no", SMTP_HOST=host)
    assert fault.startswith("BIZCUIT_SMTP_STARTTLS must be yes")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"])
def test_a_relay_on_this_machine_needs_no_tls(tmp_path: Path, host: str):
    assert faults(tmp_path, SMTP_STARTTLS="no", SMTP_HOST=host) == ()


def test_a_mail_user_needs_a_password(tmp_path: Path):
    assert faults(tmp_path, SMTP_USER="us") == ("BIZCUIT_SMTP_PASSWORD is not set, but BIZCUIT_SMTP_USER is",)


# --- secrets ---
TRIVIAL = [
    "s" * 32, "ab" * 20, "abc" * 11, "0123456789abcdef" * 2, "abcdefghijklmnopqrstuvwxyz0123456789",
    "aaaabbbbccccddddeeeeffffgggghhhh", "change-me-before-you-go-live-please!", "zyxwvutsrqponmlkjihgfedcba987654",
    "this is the Password of our house 4711", "1234512345123451234512345123451234", "11223344556677889900aabbccddeeff",
]  # fmt: skip


@pytest.mark.parametrize("name", [*SECRETS, "METRICS_TOKEN"])
@pytest.mark.parametrize("value", TRIVIAL)
def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path, name: str, value: str):
    (fault,) = faults(tmp_path, **{name: value})
    assert fault.startswith(f"BIZCUIT_{name} can be guessed") and value not in fault


@pytest.mark.parametrize("name", [*SECRETS, "METRICS_TOKEN"])
@pytest.mark.parametrize("value", ["short", "x" * 31])
def test_a_short_secret_is_refused(tmp_path: Path, name: str, value: str):
    (fault,) = faults(tmp_path, **{name: value})
    assert f"BIZCUIT_{name} must be a secret of at least 32" in fault and value not in fault


@pytest.mark.parametrize(
    "key", [b"k" * 32, bytes(range(32)), b"0123456789abcdef" * 2, bytes(32), b"a secret of the house of us all!"]
)
def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path, key: bytes):
    (fault,) = faults(tmp_path, DATA_KEYS=f"first:{KEY},weak:{in_base64(key)}")
    assert fault.startswith("BIZCUIT_DATA_KEYS has a key, weak, that can be guessed")
    assert [fault for fault in faults(tmp_path, PUSH_KEY=in_base64(key)) if fault.startswith("BIZCUIT_PUSH_KEY ")]


def test_random_secrets_are_not_refused():
    for number in range(2000):
        key = drawn(str(number))
        assert not is_trivial(key) and not is_trivial(key.hex()) and not is_trivial(urlsafe_b64encode(key).decode())


ALL = ("SESSION_KEY", "LOOKUP_KEY", "PIN_PEPPER", "PUSH_KEY", "DATA_KEYS", "METRICS_TOKEN", *ISSUED)


@pytest.mark.parametrize(("one", "other"), [(one, other) for at, one in enumerate(ALL) for other in ALL[at + 1 :]])
def test_two_equal_secrets_are_refused(tmp_path: Path, one: str, other: str):
    key = in_base64(drawn("shared"))
    given = {name: f"first:{key}" if name == "DATA_KEYS" else key for name in (one, other)}
    (fault,) = faults(tmp_path, **NMBRS_REST | given)
    assert "are equal" in fault and f"BIZCUIT_{one}" in fault and f"BIZCUIT_{other}" in fault and key not in fault


def test_two_equal_keys_under_two_names_are_refused(tmp_path: Path):
    (fault,) = faults(tmp_path, DATA_KEYS=f"new:{KEY},old:{KEY.replace('-', '+').replace('_', '/')}")
    assert "DATA_KEYS (new) and BIZCUIT_DATA_KEYS (old) are equal" in fault


def test_a_name_stands_for_one_key(tmp_path: Path):
    assert faults(tmp_path, DATA_KEYS=f"a:{KEY},a:{in_base64(drawn('other'))}") == (
        "BIZCUIT_DATA_KEYS has two keys of the name a",
    )
    assert faults(tmp_path, DATA_KEY="none") == ("BIZCUIT_DATA_KEY must be the name of one of BIZCUIT_DATA_KEYS",)


def test_the_secrets_of_development_are_refused(tmp_path: Path):
    made = config.load({"BIZCUIT_HOME": str(tmp_path)})
    keys = f"a:{in_base64(made.data_keys['dev'])}"
    found = faults(tmp_path, SESSION_KEY=made.session_key, PUSH_KEY=made.push_key, DATA_KEYS=keys)
    assert len(found) == 3 and all("was generated for development" in fault for fault in found)
    for name in (*SECRETS, "DATA_KEYS"):
        assert [fault for fault in faults(tmp_path, **{name: None}) if name in fault]


# --- credentials of others ---
@pytest.mark.parametrize("name", [*IDS, *ISSUED])
@pytest.mark.parametrize("value", sorted(set(SANDBOX_CREDENTIALS.values())))
def test_what_the_sandbox_knows_is_refused_everywhere(tmp_path: Path, name: str, value: str):
    found = faults(tmp_path, **NMBRS_REST | {name: value})
    assert f"BIZCUIT_{name} is a credential of the sandbox, which everybody knows" in found


def test_every_credential_of_development_is_known_to_production(tmp_path: Path):
    settings = config.load({"BIZCUIT_HOME": str(tmp_path)})
    used = {name: getattr(settings, name.lower()) for name in (*IDS, *ISSUED)}
    assert {name: value for name, value in used.items() if value} == SANDBOX_CREDENTIALS


@pytest.mark.parametrize("name", ISSUED)
@pytest.mark.parametrize(
    "value",
    ["x", "aaaaaaaaaaaa", "abababababab", "11111222", "abcdefabcdef", "secret", "changeme", "Change-me!", "password123",
     "your-secret-here", "Welkom01", "test-token"],
)  # fmt: skip
def test_a_careless_credential_is_refused(tmp_path: Path, name: str, value: str):
    (fault,) = faults(tmp_path, **NMBRS_REST | {name: value})
    assert fault.startswith(f"BIZCUIT_{name} can be guessed") and f" {value} " not in fault


# --- all at once, in a line each ---
WRONG = {
    "BIZCUIT_OIDC_ISSUER": "http://broker.example", "BIZCUIT_HOOK_URL": "http://hooks.example",
    "BIZCUIT_SMTP_STARTTLS": "no", "BIZCUIT_KVK_KEY": "sandbox", "BIZCUIT_SESSION_KEY": "s" * 32,
    "BIZCUIT_POLL_SECONDS": "often", "BIZCUIT_BANK_KEY": "/no/such/file", "BIZCUIT_REDIS_URL": "queue.example",
    "BIZCUIT_DATABASE_URL": "mysql://db/x",
}  # fmt: skip
WEB = ["--bind", "127.0.0.1:0", "--no-control-socket", "app:create_app()"]
COMMANDS = {
    "check-config": ["-m", "flask", "--app", "app", "check-config"],
    "another command": ["-m", "flask", "--app", "app", "check-books"],
    "worker": ["worker.py"],
    "migration": ["-m", "tools.migrate"],
    "web server": ["-m", "gunicorn", *WEB],
    "web server, preloaded": ["-m", "gunicorn", "--preload", *WEB],
}  # fmt: skip


def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={"PATH": "", **environment}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("program", COMMANDS)
def test_every_program_ends_with_a_line_for_each_fault(tmp_path: Path, program: str):
    done = run(COMMANDS[program], complete() | WRONG | {"BIZCUIT_HOME": str(tmp_path)})
    said = done.stdout + done.stderr
    lines = [line for line in said.splitlines() if line.startswith("BIZCUIT_")]
    assert {line.split()[0] for line in lines} == set(WRONG) and len(lines) == len(WRONG)
    assert "Traceback" not in said
    assert done.returncode == (4 if "web" in program else 1)
    assert not any(value in said for value in WRONG.values() if len(value) > 10)


@pytest.mark.parametrize("program", ["worker", "web server", "web server, preloaded"])
def test_nothing_starts_on_a_database_without_its_tables(tmp_path: Path, program: str):
    settings = {"BIZCUIT_HOME": str(tmp_path), "BIZCUIT_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"}
    done = run(COMMANDS[program], {"BIZCUIT_ENV": "development", **settings})
    said = done.stdout + done.stderr
    assert "0001_schema" in said and "flask --app app migrate" in said and "Traceback" not in said
    assert done.returncode == (4 if "web" in program else 1)


def test_complete_settings_are_said_to_be(tmp_path: Path):
    done = run(COMMANDS["check-config"], complete() | {"BIZCUIT_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, "settings are complete\n")
