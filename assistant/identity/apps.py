"""Django app of this package."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """`assistant.identity`."""

    name = "assistant.identity"
