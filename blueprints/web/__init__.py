"""What all blueprints share: rights, answers, sessions, forms, formats, languages, static files."""
