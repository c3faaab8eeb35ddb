"""What `flask migrate` does, without loading the web application: the launcher waits for it at every start."""

import sys

import config
import models


def main() -> None:
    """Bring the database of the settings up to date. Exits with one sentence if it is from before the first release."""
    models.connect(config.load().database_url)
    try:
        models.migrate()
    except models.DatabaseTooOld as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
