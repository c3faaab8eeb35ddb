"""The KvK business register."""
