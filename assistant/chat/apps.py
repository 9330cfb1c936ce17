"""Django app of this package."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """`assistant.chat`."""

    name = "assistant.chat"

    def ready(self) -> None:
        """Have files take their documents along, however they go."""
        from assistant.chat import files_forgotten  # noqa: F401, PLC0415 - models are there only now
