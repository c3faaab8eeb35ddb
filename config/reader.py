"""Read single settings from the environment and collect what is wrong with them."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

PREFIX = "BIZCUIT_"


class ConfigError(Exception):
    """Settings are missing or invalid. `faults` has a sentence for each, which names the setting and not its value."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Reader:
    """Reads settings by name. An invalid one is noted in `faults` and read as empty, so that all are found at once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []
        self._asked: set[str] = set()

    def refuse(self, name: str, why: str) -> None:
        """Note that this setting is wrong: "BIZCUIT_<name> <why>"."""
        sentence = f"{PREFIX}{name} {why}"
        if sentence not in self.faults:
            self.faults.append(sentence)

    def is_refused(self, name: str) -> bool:
        return any(re.match(rf"{PREFIX}{name}(_FILE)? ", fault) for fault in self.faults)

    def text(self, name: str, default: str | None = None) -> str:
        """Return the setting; None as the default makes it required."""
        self._asked.add(name)
        path = self._environment.get(f"{PREFIX}{name}_FILE")
        if path:
            return self._of_file(name, path)
        value = self._environment.get(f"{PREFIX}{name}") or default
        if value is None:
            self.refuse(name, "is not set")
        elif not _is_text(value):
            self.refuse(name, "is no text in UTF-8")
            return ""
        return value or ""

    def _of_file(self, name: str, path: str) -> str:
        try:
            return Path(path).read_text("utf-8").strip()
        except OSError as error:
            self.refuse(f"{name}_FILE", f"cannot be read: {error.strerror}")
        except ValueError:
            self.refuse(f"{name}_FILE", "is no text in UTF-8")
        return ""

    def number(self, name: str, default: int, most: int = 10**12) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,12}", value):
            self.refuse(name, "must be a whole number, not below zero")
            return default
        if int(value) > most:
            self.refuse(name, f"must be at most {most}")
            return default
        return int(value)

    def pairs(self, name: str) -> dict[str, str]:
        """Return a setting of `name=value` pairs, separated by commas."""
        found = {}
        for part in filter(None, map(str.strip, self.text(name, "").split(","))):
            key, is_pair, value = part.partition("=")
            if not is_pair or not key.strip():
                self.refuse(name, "must hold name=value pairs, apart by commas")
            found[key.strip()] = value.strip()
        return found

    def choice(self, name: str, default: str, *allowed: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.refuse(name, f"must be one of {', '.join(allowed)}")
            return default
        return value

    def unknown(self, besides: tuple[str, ...]) -> list[str]:
        """Return a sentence for each variable with our prefix that nothing asked for."""
        known = {*self._asked, *besides}
        given = sorted(name.removeprefix(PREFIX) for name in self._environment if name.startswith(PREFIX))
        return [f"{PREFIX}{name} is no setting{_meant(name, known)}" for name in given
                if name.removesuffix("_FILE") not in known]  # fmt: skip


def _meant(name: str, known: set[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"; is {PREFIX}{close[0]} meant?" if close else ""


def _is_text(value: str) -> bool:
    """Return whether a variable was UTF-8: Python keeps other bytes as surrogates, which nothing can encode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
