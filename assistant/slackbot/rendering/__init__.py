"""How turns, sources and private replies look in Slack: pure functions from values to Block Kit."""
