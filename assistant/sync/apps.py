"""Django app of this package."""

from django.apps import AppConfig


class SyncConfig(AppConfig):
    """`assistant.sync`."""

    name = "assistant.sync"
