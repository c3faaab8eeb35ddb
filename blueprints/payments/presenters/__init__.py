"""What the pages of payments say, in a person's words; nothing here asks the database."""
