"""Django app of this package."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """`assistant.documents`."""

    name = "assistant.documents"
