"""Django app of this package."""

from django.apps import AppConfig


class RetrievalConfig(AppConfig):
    """`assistant.retrieval`."""

    name = "assistant.retrieval"
