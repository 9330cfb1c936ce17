"""Django app of this package."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    """`assistant.ingest`."""

    name = "assistant.ingest"
