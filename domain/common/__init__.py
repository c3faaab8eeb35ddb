"""The base of the domain: errors, audit log, leases, encryption at rest, OAuth tokens, and the services set at start.

Ask it to record an audit event, to claim a row with a lease, to encrypt or decrypt a column, or for a valid access
token. It holds no business rule and imports no other package of the domain.
"""
