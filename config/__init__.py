"""The settings: read once from the environment (prefix BIZCUIT_, each also as …_FILE) and checked at start.

In development a missing secret is generated once and kept in the home folder; production requires its own, and refuses
what would make it unsafe (config/production.py). Production is named (config/environment.py). Everything that is wrong
is named at once.
"""

from config.external_services import NMBRS_SCOPES
from config.load import ROOT, exit_on_faults, load, unknown_settings
from config.reader import PREFIX, ConfigError
from config.settings import Config

__all__ = ["NMBRS_SCOPES", "PREFIX", "ROOT", "Config", "ConfigError", "exit_on_faults", "load", "unknown_settings"]
