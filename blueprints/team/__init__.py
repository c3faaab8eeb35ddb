"""Team: members and roles, invitations, dual approval, and who sees salaries."""

from blueprints.team import four_eyes, invitations
from blueprints.team.routes import blueprint

__all__ = ["blueprint", "four_eyes", "invitations"]
