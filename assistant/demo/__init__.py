"""A demo company, so that the first question can be asked a minute after the first start."""
