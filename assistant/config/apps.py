"""Django app of this package: registers the start-up checks and makes the Celery application current."""

from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """`assistant.config`."""

    name = "assistant.config"

    def ready(self) -> None:
        """Register checks; a web process needs the Celery application to wake workers up."""
        import_module("assistant.config.checks")
        import_module("assistant.config.celery")
