"""For those who watch over the program: alive, ready, figures."""

from blueprints.ops.routes import blueprint

__all__ = ["blueprint"]
