"""What the authorisation matrix is made of."""
