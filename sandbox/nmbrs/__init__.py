"""Nmbrs: SOAP on the vendor's paths, REST, OAuth, and pages to run payroll and configure webhooks."""

from flask import Flask

from sandbox.control import on_reset
from sandbox.nmbrs import admin_pages, control, faults, identity, pages, payroll, rest, soap, store_migration
from sandbox.store import get_store


def setup(app: Flask) -> None:
    faults.declare_all()
    on_reset(seed)
    store_migration.upgrade(get_store())
    blueprints = (
        soap.soap, rest.rest, identity.identity, control.control, pages.pages, admin_pages.book_pages,
    )  # fmt: skip
    for blueprint in blueprints:
        app.register_blueprint(blueprint)


def seed() -> None:
    payroll.seed()
    store_migration.mark(get_store())
