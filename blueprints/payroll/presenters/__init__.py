"""What the pages of this package say, in the language of the reader."""
