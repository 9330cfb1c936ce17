"""`manage.py person VERB EMAIL`: what is known of a person goes, or is given to them.

erase EMAIL [--address FORMER]... [--yes]
export EMAIL --out FILE.zip
"""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, known_user, say
from assistant.accounts.models import User
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.privacy.erasing import erase, erase_remains, holdings
from assistant.privacy.giving_out import give_out

_ACTOR = "command line"


class Command(JsonCommand):
    """What is known of a person."""

    help = "Erase a person from every table, file and log, or write all that is known of them to a file."

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

        giving = verbs.add_parser("export", help="All that is known of a person, as one ZIP file for them.")
        giving.add_argument("email", metavar="EMAIL")
        giving.add_argument("--out", required=True, metavar="FILE", help="A new file.")

    def handle(self, *, verb: str, email: str, **options: object) -> None:
        """Do what the verb says."""
        if verb == "export":
            self._export(email, Path(str(options["out"])))
            return
        further = options["address"]
        self._erase(email, [str(one) for one in further] if isinstance(further, list) else [], options["yes"])

    def _export(self, email: str, out: Path) -> None:
        given = give_out(user_id=known_user(email).pk, actor=_ACTOR)
        try:
            with out.open("xb") as file:
                out.chmod(0o600)
                file.writelines(given.pieces)
        except OSError as error:
            raise UsageError(f"The file {out} cannot be written: {error.strerror}.") from error
        self.emit({"file": str(out), "conversations": given.conversations})

    def _erase(self, email: str, address: list[str], yes: object) -> None:
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
