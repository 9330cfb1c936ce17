"""The assistant in Slack: the same permitted, cited answers where people work."""
