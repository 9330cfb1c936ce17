"""Django app of this package."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """`assistant.catalogue`."""

    name = "assistant.catalogue"

    def ready(self) -> None:
        """Keep the books of the models that are used below this package."""
        from assistant.catalogue.accounting import keep_search_call  # noqa: PLC0415 - needs loaded apps
        from assistant.documents.search_models import keep_account  # noqa: PLC0415 - needs loaded apps

        keep_account(keep_search_call)
