"""`.env.example` lists exactly the existing settings."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import config

ROOT = Path(__file__).parent.parent
# Read by the launcher, the tests or a command of an operator, not by the service.
LAUNCHER_ONLY = {"BIZCUIT_OPERATOR_TOKEN"}


class Noting(Mapping[str, str]):
    """An environment that records which names are read."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values_given, self.asked = values, set[str]()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.values_given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_given)

    def __len__(self) -> int:
        return len(self.values_given)


def test_the_example_lists_every_setting(tmp_path: Path):
    environment = Noting({"BIZCUIT_HOME": str(tmp_path)})
    config.load(environment)
    read = {name for name in environment.asked if not name.endswith("_FILE")}
    listed = set(re.findall(r"^#?(BIZCUIT_[A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert listed - LAUNCHER_ONLY == read


def test_the_shown_defaults_are_correct(tmp_path: Path):
    """Uncommenting the lines with a value changes nothing."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    shown = dict(line[1:].split("=", 1) for line in lines if re.match(r"#BIZCUIT_\w+=[^\s]", line))
    own_folder = {"BIZCUIT_HOME", "BIZCUIT_DATABASE_URL", "BIZCUIT_DATA_KEYS"}
    given = {name: value for name, value in shown.items() if name not in own_folder and value}
    home = {"BIZCUIT_HOME": str(tmp_path)}
    assert config.load({**home, **given}) == config.load(home)


def test_the_example_contains_no_secret():
    text = (ROOT / ".env.example").read_text()
    for name in ("SESSION_KEY", "LOOKUP_KEY", "PIN_PEPPER", "OIDC_CLIENT_SECRET", "KVK_KEY", "SMTP_PASSWORD"):
        assert f"#BIZCUIT_{name}=\n" in text
    assert os.linesep + "BIZCUIT_" not in text
