"""Django app of this package."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """`assistant.console`."""

    name = "assistant.console"
