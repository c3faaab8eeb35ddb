"""create_app: the sandbox as one Flask application, in named steps."""

import importlib
from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from sandbox import control
from sandbox.store import Store, open_store

# Each part is a module with `setup(app)`, which registers its blueprints and says how it seeds itself.
PARTS = (
    "jinja_filters", "control", "front_page", "nmbrs", "mailbox", "bank", "ponto", "oidc_provider", "register", "push",
)  # fmt: skip


class SandboxApp(Flask):
    """Flask that knows its store, so that a view can say `current_app.store`."""

    store: Store


def create_app(home: str | Path, web_url: str, base_url: str) -> SandboxApp:
    """The sandbox over the state in folder `home`.

    `web_url` is where the product lives (for links and redirect addresses), `base_url` is the sandbox itself.
    """
    app = SandboxApp(__name__)
    app.config.update(WEB_URL=web_url.rstrip("/"), BASE_URL=base_url.rstrip("/"))
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    # Only the form pages flash a message; nothing here is worth a real secret.
    app.secret_key = "sandbox"
    app.jinja_env.undefined = StrictUndefined
    Path(home).mkdir(parents=True, exist_ok=True)
    app.store = open_store(Path(home) / "sandbox.sqlite3")
    register_parts(app)
    control.seed_once()
    return app


def register_parts(app: SandboxApp) -> None:
    for part in PARTS:
        importlib.import_module(f"sandbox.{part}").setup(app)
