"""Setup: the remaining steps, the PIN, identification and signing authority (KvK)."""

from blueprints.onboarding import withdrawal  # noqa: F401  (its view is on the same blueprint)
from blueprints.onboarding.routes import blueprint

__all__ = ["blueprint"]
