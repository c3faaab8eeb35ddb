"""`flask migrate` without the web application, because the launcher runs it at every start."""

import sys

import config
import models
from core.private_files import keep_private


def main() -> None:
    """Migrate the configured database. Exits with a message if it is older than the first release."""
    with config.exit_on_faults():
        settings = config.load()
    keep_private(settings.home)
    models.connect(settings.database_url)
    try:
        models.migrate()
    except models.DatabaseTooOld as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
