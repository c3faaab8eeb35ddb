"""Shared by all blueprints: authorization, responses, sessions, forms, formats, languages, static files."""
