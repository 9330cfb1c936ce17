"""Django app of this package."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """`assistant.access`."""

    name = "assistant.access"
