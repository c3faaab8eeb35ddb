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
        models.migrate()
    except models.DatabaseTooOld as error:
        sys.exit(str(error))


def _is_new(url: str) -> bool:
    """Return whether there is no SQLite file yet: a developer who removed it starts anew, and restores nothing."""
    return url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()


if __name__ == "__main__":
    main()
