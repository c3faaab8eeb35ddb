"""Ponto Connect: a party between the app and the customer's bank, with OAuth, JSON:API and a signing page."""

from flask import Flask

from sandbox.control import on_reset
from sandbox.ponto import access, api, faults, organisation, pages


def setup(app: Flask) -> None:
    faults.declare_all()
    on_reset(organisation.seed)
    for blueprint in (access.access, api.api, pages.pages):
        app.register_blueprint(blueprint)
