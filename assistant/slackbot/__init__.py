"""Slack: what is asked there, as questions of the people who ask; turns, drawn for Slack.

Everything is answered by `assistant.chat`; only who asks, who will see it, and how it looks are Slack's own.
"""
