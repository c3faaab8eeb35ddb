"""Endpoints for monitoring: liveness, readiness, metrics."""

from blueprints.ops.routes import blueprint

__all__ = ["blueprint"]
