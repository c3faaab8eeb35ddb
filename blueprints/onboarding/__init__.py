"""Setup: the remaining steps, the PIN, identification and signing authority (KvK)."""

from blueprints.onboarding.routes import blueprint

__all__ = ["blueprint"]
