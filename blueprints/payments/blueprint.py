"""The blueprint that every module of this package adds its views to."""

from flask import Blueprint

blueprint = Blueprint("payments", __name__)
