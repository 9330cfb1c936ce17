"""Django app of this package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """`assistant.accounts`."""

    name = "assistant.accounts"
