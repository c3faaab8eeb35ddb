"""What every other room of the domain stands on: errors, the audit log, leases, encryption at rest, OAuth tokens and
the services that the front doors hand in.

Ask it to record an audit event, to claim a row for a while, to encrypt or decrypt a column, or for a valid access
token. It knows no business rule and imports no other room.
"""
