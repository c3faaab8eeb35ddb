"""The outside world: each neighbour a port (what we ask of it) and adapters (how). They know no table and no screen."""
