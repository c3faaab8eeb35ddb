"""The blueprint that all modules of this package add their views to."""

from flask import Blueprint

blueprint = Blueprint("payments", __name__)
