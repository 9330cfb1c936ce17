"""Django app of this package: registers the start-up checks and makes the Celery application current."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

from assistant.common import local_guard
from assistant.config.logs import install_hooks


class ConfigConfig(AppConfig):
    """`assistant.config`."""

    name = "assistant.config"

    def ready(self) -> None:
        """Register checks; a web process needs the Celery application to wake workers up."""
        install_hooks()
        import_module("assistant.config.checks")
        import_module("assistant.config.celery")
        if settings.MUNDAP_LOCAL_ONLY:
            local_guard.on_refusal(import_module("assistant.config.kept_in").record_soon)
