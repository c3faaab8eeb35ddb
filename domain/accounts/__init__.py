"""User accounts: passwords, pins, passkeys, devices, sessions, push subscriptions and rate limits.

Ask it to sign a user in, to verify a pin or passkey, to recognise a device, or to limit attempts.
"""
