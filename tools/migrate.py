"""`flask migrate` without the web application, because the launcher runs it at every start.

In development a new database begins without marks: production would hold all payments instead.
"""

import sys
from pathlib import Path

import config
import models
from connectors.marks import FileMarks
from core.private_files import keep_private


def main() -> None:
    """Migrate the configured database. Exits with a message if it is older than the first release."""
    with config.exit_on_faults():
        settings = config.load()
    keep_private(settings.home)
    models.connect(settings.database_url)
    if not settings.production and _is_new(settings.database_url):
        FileMarks(settings.home).forget()
        settings.audit_anchors.unlink(missing_ok=True)
    try:
        applied = models.migrate()
    except models.DatabaseTooOld as error:
        sys.exit(str(error))
    if _has_rows_to_state(applied):
        _bring_register_up_to_date(settings)


def _has_rows_to_state(applied: list[str]) -> bool:
    with models.database.connection_context():
        return models.User.select().exists() and (bool(applied) or not models.RowStatement.select().exists())


def _bring_register_up_to_date(settings: config.Config) -> None:
    import app  # only now: it takes half a second, at every start
    from domain.operations import register_start

    app.configure_services(settings)
    with models.database.connection_context():
        register_start.bring_up_to_date()


def _is_new(url: str) -> bool:
    """Return whether there is no SQLite file yet: a developer who removed it starts anew, and restores nothing."""
    return url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()


if __name__ == "__main__":
    main()
