"""The only way from a question to passages."""
