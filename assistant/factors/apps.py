"""Django app of this package."""

from django.apps import AppConfig


class FactorsConfig(AppConfig):
    """`assistant.factors`."""

    name = "assistant.factors"
