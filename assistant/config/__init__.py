"""Wiring: environment, settings, URLs, servers, start-up checks. Nobody imports this package."""
