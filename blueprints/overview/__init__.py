"""Is there something I must do?"""

from blueprints.overview.routes import blueprint

__all__ = ["blueprint"]
