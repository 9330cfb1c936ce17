"""`manage.py ask "text" --as EMAIL [--model M]`, and the options of `chat.filter_options`."""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.access.viewer import viewer_for
from assistant.accounts.command import JsonCommand, known_user
from assistant.chat.filter_options import add_filters, filters_given
from assistant.chat.finding import ask


class Command(JsonCommand):
    """Asks as a person, outside any conversation."""

    help = "Ask a question as a person."

    def add_arguments(self, parser: CommandParser) -> None:
        """The question, the person, the model, the filters."""
        parser.add_argument("text")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL")
        add_filters(parser)
        parser.add_argument(
            "--model",
            default="",
            help="A model that the person may use, by its name in the console; default: their default one.",
        )

    def handle(self, *, text: str, email: str, model: str, **given: object) -> None:
        """Ask and print the answer."""
        filters = filters_given(given)
        self.emit(ask(text, viewer=viewer_for(known_user(email)), model=model, filters=filters))
