"""A user's work over all clients: the worklist, onboarding steps, and what blocks a payment."""
