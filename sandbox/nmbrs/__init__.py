"""Nmbrs as the app and its owner meet it: SOAP at the vendor's paths, and a few pages to press RUN! on."""

from flask import Flask

from sandbox.control import on_reset
from sandbox.nmbrs import control, misbehaviour, pages, payroll, soap


def setup(app: Flask) -> None:
    misbehaviour.declare_all()
    on_reset(payroll.seed)
    for blueprint in (soap.soap, control.control, pages.pages):
        app.register_blueprint(blueprint)
