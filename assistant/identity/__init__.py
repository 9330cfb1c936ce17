"""Sign-in with the company's identity."""
