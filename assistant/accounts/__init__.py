"""Who people are: users, the principals that sources know them by, groups and their members."""
