"""`manage.py service-account add WORD --contact C [--name N] | list`: programs that belong to nobody."""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand
from assistant.accounts.service_accounts import add_service_account, service_accounts
from assistant.common.types import JsonObject

_ACTOR = "command line"


class Command(JsonCommand):
    """Accounts of programs that belong to nobody."""

    help = "Add and list service accounts. Keys: api-key; addresses, closing: user; erasing: person."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="Add one; its address becomes WORD@service.invalid.")
        add.add_argument("word", metavar="WORD", help="Letters a to z, digits and hyphens.")
        add.add_argument("--contact", required=True, help="Who answers for it: a person or a department.")
        add.add_argument("--name", default="", help="What it is.")
        verbs.add_parser("list", help="All service accounts.")

    def handle(self, *, verb: str, word: str = "", contact: str = "", name: str = "", **_: object) -> None:
        """Do what the verb says and print what is so now."""
        if verb == "list":
            self.emit({"service_accounts": list(_listed())})
            return
        user = add_service_account(word=word, name=name, contact=contact, actor=_ACTOR)
        self.emit({"user": user.pk, "email": user.email, "name": user.name, "contact": user.contact})


def _listed() -> list[JsonObject]:
    return [
        {
            "user": row.id,
            "email": row.email,
            "name": row.name,
            "contact": row.contact,
            "active": row.is_active,
            "keys": row.keys,
            "last_used": row.last_used_at.isoformat() if row.last_used_at else None,
        }
        for row in service_accounts()
    ]
