"""The people of a client: registration, members and roles, invitations, the co-signer, who may see salaries."""
