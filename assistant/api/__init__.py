"""The REST API: JSON for programs that hold a person's key."""
