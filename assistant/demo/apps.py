"""Django app of this package."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """`assistant.demo`."""

    name = "assistant.demo"
