"""Connect to the KvK business register."""
