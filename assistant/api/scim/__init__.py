"""SCIM 2.0 over HTTP, below `/scim/v2/`."""
