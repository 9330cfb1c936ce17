"""Django app of this package."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """`assistant.catalogue`."""

    name = "assistant.catalogue"
