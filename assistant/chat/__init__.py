"""Conversations, turns and citations."""
