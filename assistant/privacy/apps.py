"""Django app of this package."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """`assistant.privacy`."""

    name = "assistant.privacy"
