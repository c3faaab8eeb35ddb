"""For those who watch over the program: alive, ready, figures."""

from blueprints.status.routes import blueprint

__all__ = ["blueprint"]
