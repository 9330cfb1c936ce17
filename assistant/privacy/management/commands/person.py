"""`manage.py person VERB EMAIL`: what is known of a person goes, or is given to them.

erase EMAIL [--address FORMER]... [--yes]
"""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, known_user, say
from assistant.accounts.models import User
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.privacy.erasing import erase, erase_remains, holdings

_ACTOR = "command line"


class Command(JsonCommand):
    """What is known of a person."""

    help = "Erase a person from every table, file and log."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        erasing = verbs.add_parser(
            "erase", help="Delete a person, and their name from everything that stays."
        )
        erasing.add_argument("email", metavar="EMAIL")
        erasing.add_argument(
            "--address",
            action="append",
            default=[],
            metavar="FORMER",
            help="Another address that was theirs once and is nobody's now; may be repeated.",
        )
        erasing.add_argument("--yes", action="store_true", help="Do it; without it, only say what would go.")

    def handle(self, *, email: str, address: list[str], yes: bool, **_: object) -> None:
        """Say what there is, or erase it."""
        if not User.objects.filter(email=canonical_email(email)).exists():
            self.emit(erase_remains(address=email, actor=_ACTOR).as_json())
            return
        user = known_user(email)
        found = holdings(user.pk)
        if not yes:
            say(f"{user.email} would be erased, with all of this. It can't be undone. Add --yes to do it.")
            raise UsageError(f"Nothing was erased: {found}.")
        self.emit(erase(user_id=user.pk, actor=_ACTOR, further=address).as_json())
        say(
            "What sources say of this person (in documents, access lists, groups) comes back with the next "
            "sync unless they forget it, too. Backups and exports made before still hold the rest."
        )
