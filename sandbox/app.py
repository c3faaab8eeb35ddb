"""create_app: the sandbox as one Flask application."""

import importlib
from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from sandbox import control
from sandbox.store import Store, open_store

# Modules with a `setup(app)` that registers blueprints and the function that adds their initial data.
PARTS = (
    "jinja_filters", "control", "front_page", "nmbrs", "mailbox", "bank", "ponto", "oidc_provider", "register", "push",
    "names",
)  # fmt: skip


class SandboxApp(Flask):
    """A Flask application with a `store`."""

    store: Store


def create_app(home: str | Path, web_url: str, base_url: str) -> SandboxApp:
    """Create the sandbox with its state in folder `home`.

    `web_url` is the product's base URL (for links and redirect URIs), `base_url` the sandbox's own.
    """
    app = SandboxApp(__name__)
    app.config.update(WEB_URL=web_url.rstrip("/"), BASE_URL=base_url.rstrip("/"))
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    # Only for flash messages of the form pages; nothing here needs a real secret.
    app.secret_key = "sandbox"
    app.jinja_env.undefined = StrictUndefined
    Path(home).mkdir(mode=0o700, parents=True, exist_ok=True)
    app.store = open_store(Path(home) / "sandbox.sqlite3")
    register_parts(app)
    control.seed_once()
    return app


def register_parts(app: SandboxApp) -> None:
    for part in PARTS:
        importlib.import_module(f"sandbox.{part}").setup(app)
