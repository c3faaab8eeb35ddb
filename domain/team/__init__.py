"""The members of a client: registration, roles, invitations, the co-signer, and who may see salaries."""
