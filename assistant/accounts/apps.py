"""Django app of this package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """`assistant.accounts`."""

    name = "assistant.accounts"

    def ready(self) -> None:
        """Listen for sign-ins."""
        from assistant.accounts.proof import connect  # noqa: PLC0415 - needs loaded models

        connect()
