"""`manage.py factors VERB EMAIL`: the second factors of an account.

show EMAIL | reset EMAIL
"""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, known_user
from assistant.common.types import Json
from assistant.factors.resetting import remembered, reset


class Command(JsonCommand):
    """Second factors."""

    help = "Show which second factors an account has, or take them all away from who lost them."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, does in (
            ("show", "How many passkeys, apps and recovery codes the account has."),
            ("reset", "Take them all away and end its sessions; new ones are set up at the next sign-in."),
        ):
            verbs.add_parser(name, help=does).add_argument("email", metavar="EMAIL")

    def handle(self, *, verb: str, email: str, **_: object) -> None:
        """Do what the verb says and print what is so now."""
        user = known_user(email)
        if verb == "reset":
            reset(user_id=user.pk, actor="command line")
        counts: dict[str, Json] = dict(remembered(user_id=user.pk))
        self.emit({"user": user.pk, "email": user.email, **counts})
