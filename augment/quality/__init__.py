"""How good an edit is, and whether it may be used."""
