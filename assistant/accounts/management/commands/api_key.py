"""`manage.py api-key add EMAIL --name N [--days 90] [--scope S ...] | list EMAIL | revoke ID`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from assistant.accounts.api_keys import issue_key, revoke_key, scopes_for
from assistant.accounts.command import JsonCommand, known_user
from assistant.accounts.models import ApiKey, User
from assistant.accounts.scopes import Scope, scopes_in
from assistant.common.errors import UsageError
from assistant.common.types import JsonObject

_ACTOR = "command line"
_USUAL_DAYS = 90


class Command(JsonCommand):
    """Keys for the API."""

    help = "Issue, list and revoke keys for the API of a person or a service account."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="Issue a key. It is printed this once.")
        add.add_argument("email", metavar="EMAIL")
        add.add_argument("--name", required=True, help="What the key is for.")
        add.add_argument("--days", type=int, default=_USUAL_DAYS, help="How long it works, 1 to 365.")
        add.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=[scope.value for scope in Scope],
            help="What it may be used for; may stand several times. Without it: everything that it can be.",
        )
        verbs.add_parser("list", help="A person's keys.").add_argument("email", metavar="EMAIL")
        revoke = verbs.add_parser("revoke", help="End a key at once.")
        revoke.add_argument("key", metavar="ID")

    def handle(self, *, verb: str, email: str = "", key: str = "", **options: Any) -> None:
        """Do what the verb says and print what is so now."""
        if verb == "revoke":
            if not (key.isascii() and key.isdigit()):
                raise UsageError(f"'{key[:80]}' is no key's number. `api-key list EMAIL` tells the numbers.")
            revoke_key(key_id=int(key), actor=_ACTOR)
            self.emit({"id": int(key), "revoked": True})
            return
        user = known_user(email)
        if verb == "list":
            self.emit({"keys": [_shown(row) for row in user.api_keys.order_by("pk")]})
        else:
            scopes = [Scope(word) for word in options["scope"]]
            self.emit(_issued(user, name=options["name"], days=options["days"], scopes=scopes))


def _issued(user: User, *, name: str, days: int, scopes: Sequence[Scope]) -> JsonObject:
    if not user.is_active:
        raise UsageError(f"The account {user.email} is closed. Reopen it first.")
    new = issue_key(user_id=user.pk, name=name, days=days, scopes=scopes or scopes_for(user), actor=_ACTOR)
    return {"key": new.text, "id": new.id, "expires": ApiKey.objects.get(pk=new.id).expires_at.isoformat()}


def _shown(key: ApiKey) -> JsonObject:
    works = key.revoked_at is None and key.expires_at > timezone.now() and key.user.is_active
    return {
        "id": key.pk,
        "name": key.name,
        "scopes": [scope.value for scope in Scope if scope in scopes_in(key.scopes)],
        "created": key.created_at.isoformat(),
        "expires": key.expires_at.isoformat(),
        "last_used": key.last_used_at.isoformat() if key.last_used_at else None,
        "revoked": key.revoked_at.isoformat() if key.revoked_at else None,
        "works": works,
    }
