"""Pages for people: sign-in, chat, sources."""
