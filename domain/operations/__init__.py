"""What operators need: their commands, the integrity check of the books, metrics."""
