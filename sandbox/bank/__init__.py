"""Three banks that speak Berlin Group NextGenPSD2, each with its own pages to consent and sign on."""

from flask import Flask

from sandbox.bank import accounts, banks, consents, misbehaviour, pages
from sandbox.bank.api import api
from sandbox.control import on_reset

# Imported for the addresses that they add to `api`.
RESOURCES = (accounts, consents)


def setup(app: Flask) -> None:
    misbehaviour.declare_all()
    on_reset(banks.seed)
    for blueprint in (api, banks.directory, pages.pages):
        app.register_blueprint(blueprint)
