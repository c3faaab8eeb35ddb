"""Nmbrs as the app and its owner meet it: SOAP at the vendor's paths, REST beside it, and a few pages to
press RUN! on."""

from flask import Flask

from sandbox.control import on_reset
from sandbox.nmbrs import book_pages, control, identity, misbehaviour, pages, payroll, rest, soap, upgrade
from sandbox.store import get_store


def setup(app: Flask) -> None:
    misbehaviour.declare_all()
    on_reset(seed)
    upgrade.upgrade(get_store())
    blueprints = (
        soap.soap, rest.rest, identity.identity, control.control, pages.pages, book_pages.book_pages,
    )  # fmt: skip
    for blueprint in blueprints:
        app.register_blueprint(blueprint)


def seed() -> None:
    payroll.seed()
    upgrade.mark(get_store())
