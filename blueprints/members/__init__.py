"""Mensen: who may do what in a client, invitations, four eyes, and who sees salaries."""

from blueprints.members import joining, watching
from blueprints.members.routes import blueprint

__all__ = ["blueprint", "joining", "watching"]
