"""The one address that Nmbrs calls: check the key, keep the call, wake a job, answer."""

from blueprints.hooks.routes import blueprint

__all__ = ["blueprint"]
