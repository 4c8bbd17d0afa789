"""Reading weights files without ever running what is in them."""
