"""Setting up: the steps that are left, the pin, who you are and what the KvK says of it."""

from blueprints.onboarding.routes import blueprint

__all__ = ["blueprint"]
