"""Django app of this package."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """`assistant.chat`."""

    name = "assistant.chat"
