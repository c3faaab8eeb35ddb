"""Settings whose database has its tables: the web application does not start without them."""

import config
import models


def with_tables(settings: config.Config) -> config.Config:
    """Return these settings, with the tables of their database made and no connection open."""
    models.connect(settings.database_url)
    models.migrate()
    models.disconnect()
    return settings
