"""Mensen: who may do what in a client, invitations, four eyes, and who sees salaries."""

from blueprints.team import four_eyes, invitations
from blueprints.team.routes import blueprint

__all__ = ["blueprint", "four_eyes", "invitations"]
