"""The front page with links, bank day and faults; and the health check."""

from flask import Blueprint, Flask, current_app, jsonify, redirect, render_template, request, url_for

from sandbox import clock, demo, faults

home = Blueprint("home", __name__)


@home.get("/")
def front():
    return render_template(
        "home.html",
        bank_day=clock.bank_day(),
        demo=demo,
        web_url=current_app.config["WEB_URL"],
        states=faults.states(),
        descriptions=faults.descriptions(),
    )


@home.post("/volgende-bankdag")
def next_bank_day():
    clock.advance(1)
    return redirect(url_for("home.front"))


@home.post("/storingen")
def set_faults():
    faults.switch({name: name in request.form for name in faults.states()})
    return redirect(url_for("home.front") + "#storingen")


@home.get("/healthz")
def healthz():
    return jsonify(status="ok")


def setup(app: Flask) -> None:
    app.register_blueprint(home)
