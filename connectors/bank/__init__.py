"""Connect to banks (Berlin Group NextGenPSD2 and Ponto), and write and read their payment and status files."""
