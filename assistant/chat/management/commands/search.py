"""`manage.py search "text" --as EMAIL [--k 10]`, and the options of `chat.filter_options`."""

from __future__ import annotations

import time

from django.core.management.base import CommandParser

from assistant.access.viewer import viewer_for
from assistant.accounts.command import JsonCommand, known_user
from assistant.chat.filter_options import add_filters, filters_given
from assistant.chat.finding import search
from assistant.common.errors import UsageError
from assistant.retrieval.warm_up import warm_up

_MOST = 100


class Command(JsonCommand):
    """Searches as a person: the best passage of each document that they may read."""

    help = "Search as a person."

    def add_arguments(self, parser: CommandParser) -> None:
        """The text, the person, the number of hits, the filters."""
        parser.add_argument("text")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL")
        parser.add_argument("--k", type=int, default=10)
        add_filters(parser)

    def handle(self, *, text: str, email: str, k: int, **given: object) -> None:
        """Search and print the hits."""
        if not 1 <= k <= _MOST:
            raise UsageError(f"--k must be from 1 to {_MOST}.")
        filters = filters_given(given)
        viewer = viewer_for(known_user(email))
        warm_up()
        began = time.perf_counter()
        hits = search(text, viewer=viewer, k=k, filters=filters)
        self.emit({"hits": hits, "ms": round((time.perf_counter() - began) * 1000)})
