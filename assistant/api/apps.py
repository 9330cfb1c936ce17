"""Django app of this package."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """`assistant.api`."""

    name = "assistant.api"
