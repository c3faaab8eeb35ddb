"""What `flask migrate` does, without loading the web application: the launcher waits for it at every start."""

import config
import models


def main() -> None:
    """Bring the database of the settings up to date."""
    models.connect(config.load().database_url)
    models.migrate()


if __name__ == "__main__":
    main()
