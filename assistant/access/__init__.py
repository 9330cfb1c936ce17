"""Who may see what. Every excerpt, title, count or citation leaves through the door in this package."""
