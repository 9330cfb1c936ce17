"""`manage.py emergency VERB ...`: the account for the day on which the company's sign-in does not work.

create [--email ADDRESS] [--name N] | list | rotate ADDRESS | remove ADDRESS
"""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, say
from assistant.common.types import Json
from assistant.factors import emergency
from assistant.factors.emergency import Kept, Made

_ACTOR = "command line"


class Command(JsonCommand):
    """Emergency accounts."""

    help = "Make, list, renew and remove emergency accounts, which sign in without the company's sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="A new one; its passphrase and codes are told this once.")
        create.add_argument("--email", default=emergency.USUAL_ADDRESS, help="Its name at the sign-in page.")
        create.add_argument("--name", default="", help="What pages call it.")
        verbs.add_parser("list", help="All of them, and when each was last used.")
        for name, does in (
            ("rotate", "Another passphrase and other codes, told this once; its sessions end."),
            ("remove", "End it. What was done with it stays in the audit log."),
        ):
            verbs.add_parser(name, help=does).add_argument("email", metavar="ADDRESS")

    def handle(self, *, verb: str, email: str = "", name: str = "", **_: object) -> None:
        """Do what the verb says and print what is so now."""
        if verb == "create":
            self._tell(emergency.make(email=email, name=name, actor=_ACTOR))
        elif verb == "rotate":
            self._tell(emergency.renew(email=email, actor=_ACTOR))
        elif verb == "remove":
            emergency.remove(email=email, actor=_ACTOR)
            self.emit({"email": email, "removed": True})
        else:
            self.emit({"accounts": [_shown(one) for one in emergency.kept().values()]})

    def _tell(self, made: Made) -> None:
        codes: list[Json] = list(made.codes)
        self.emit(
            {
                "user": made.user.pk,
                "email": made.user.email,
                "passphrase": made.passphrase,
                "recovery_codes": codes,
            }
        )
        say(
            "Write the passphrase and the codes on two papers, seal them and keep them in two places: they"
            " are never shown again. Each sign-in takes the passphrase and one code. Try it now and every 90"
            " days, and renew both (emergency rotate) after each real use."
        )


def _shown(one: Kept) -> Json:
    return {
        "user": one.user.pk,
        "email": one.user.email,
        "works": one.works,
        "codes_left": one.codes_left,
        "uses": one.uses,
        "used_at": one.used_at.isoformat() if one.used_at else None,
        "to_be_tried": one.is_untried,
    }
