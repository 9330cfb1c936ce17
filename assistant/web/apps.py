"""Django app of this package."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """`assistant.web`."""

    name = "assistant.web"
