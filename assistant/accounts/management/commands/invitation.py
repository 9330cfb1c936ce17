"""`manage.py invitation VERB ...`: links that are good once, for three days.

add EMAIL [--name N] [--role R] [--verified] [--site ADDRESS] | password EMAIL [--site ADDRESS]
list | revoke ID
"""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.urls import reverse

from assistant.accounts import invitations
from assistant.accounts.command import JsonCommand, known_user, say
from assistant.accounts.invitations import Made, Purpose
from assistant.accounts.models import Role
from assistant.common.types import Json

_ACTOR = "command line"


class Command(JsonCommand):
    """Invitations."""

    help = "Make links to a new account or a new password, list and revoke them. Mundap sends no mail."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="A link to an account of one's own; told this once.")
        add.add_argument("--name", default="", help="How the person is called; they can change it.")
        add.add_argument("--role", default=Role.EMPLOYEE.value, help=f"One of: {', '.join(Role.values)}.")
        add.add_argument(
            "--verified",
            action="store_true",
            help="The address is theirs: what sources let it read counts from the start.",
        )
        password = verbs.add_parser("password", help="A link to a new password of who forgot theirs.")
        for verb in (add, password):
            verb.add_argument("email", metavar="EMAIL")
            verb.add_argument("--site", default="", metavar="ADDRESS", help="https://ask.example.com")
        verbs.add_parser("list", help="All links, newest first, and what became of each.")
        verbs.add_parser("revoke", help="End a link.").add_argument("id", type=int, metavar="ID")

    def handle(self, *, verb: str, **options: object) -> None:
        """Do what the verb says and print what is so now."""
        site = str(options.get("site", "")).rstrip("/")
        if verb == "add":
            made = invitations.invite(
                email=str(options["email"]),
                name=str(options["name"]),
                role=str(options["role"]),
                inviter=None,
                verified=options["verified"] is True,
            )
            self._tell(made, site)
        elif verb == "password":
            self._tell(invitations.offer_password(user=known_user(str(options["email"]))), site)
        elif verb == "revoke":
            number = int(str(options["id"]))
            invitations.revoke(invitation_id=number, actor=_ACTOR, purposes=tuple(Purpose))
            self.emit({"id": number, "state": "revoked"})
        else:
            self.emit({"invitations": [_shown(one) for one in invitations.listed()]})

    def _tell(self, made: Made, site: str) -> None:
        self.emit(
            {
                "id": made.id,
                "email": made.email,
                "link": site + reverse("web:open-invitation", args=[made.word]),
                "expires": made.expires_at.isoformat(),
            }
        )
        say("Hand the link over by a way that only this person reads. It is good once and never shown again.")


def _shown(one: invitations.Shown) -> Json:
    return {
        "id": one.id,
        "purpose": one.purpose,
        "email": one.email,
        "role": one.role,
        "made_by": one.made_by,
        "made_at": one.made_at.isoformat(),
        "expires": one.expires_at.isoformat(),
        "state": one.state,
        "user": one.user_id,
    }
