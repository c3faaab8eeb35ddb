"""For operators: their commands, the integrity check of the database, and metrics."""
