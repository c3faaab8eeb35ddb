"""Banks by Berlin Group NextGenPSD2, and the payment file they take."""
