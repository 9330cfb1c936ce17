"""`manage.py push-key add SOURCE --name N [--days 90] | list SOURCE | revoke ID`."""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.utils import timezone

from assistant.accounts.command import JsonCommand
from assistant.accounts.models import PushKey
from assistant.accounts.push_keys import issue_push_key, revoke_push_key
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import JsonObject
from assistant.sync.push_turns import pushed_source
from assistant.sync.services import find_source

_ACTOR = "command line"
_USUAL_DAYS = 90


class Command(JsonCommand):
    """Keys for putting documents into one source."""

    help = "Issue, list and revoke keys with which programs push documents into one source."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="Issue a key. It is printed this once.")
        add.add_argument("source", metavar="SOURCE", help="Its name or number.")
        add.add_argument("--name", required=True, help="Which program gets the key.")
        add.add_argument("--days", type=int, default=_USUAL_DAYS, help="How long it works, 1 to 365.")
        verbs.add_parser("list", help="A source's keys.").add_argument("source", metavar="SOURCE")
        verbs.add_parser("revoke", help="End a key at once.").add_argument("key", metavar="ID")

    def handle(
        self,
        *,
        verb: str,
        source: str = "",
        name: str = "",
        days: int = _USUAL_DAYS,
        key: str = "",
        **_: object,
    ) -> None:
        """Do what the verb says and print what is so now."""
        if verb == "revoke":
            if not (key.isascii() and key.isdigit()):
                raise UsageError(f"'{key[:80]}' is no key's number. `push-key list SOURCE` tells them.")
            revoke_push_key(key_id=int(key), actor=_ACTOR)
            self.emit({"id": int(key), "revoked": True})
            return
        source_id = _pushed(source)
        if verb == "list":
            rows = PushKey.objects.filter(connection_id=source_id).order_by("pk")
            self.emit({"keys": [_shown(row) for row in rows]})
            return
        new = issue_push_key(connection_id=source_id, name=name, days=days, actor=_ACTOR)
        expires = PushKey.objects.get(pk=new.id).expires_at.isoformat()
        self.emit({"key": new.text, "id": new.id, "source": source_id, "expires": expires})


def _pushed(name: str) -> int:
    source_id = find_source(name)
    try:
        pushed_source(source_id)
    except NotFound as error:
        raise UsageError(f"Mundap reads the source '{name}' itself: nothing can be pushed there.") from error
    return source_id


def _shown(key: PushKey) -> JsonObject:
    return {
        "id": key.pk,
        "name": key.name,
        "created": key.created_at.isoformat(),
        "expires": key.expires_at.isoformat(),
        "revoked": key.revoked_at.isoformat() if key.revoked_at else None,
        "works": key.revoked_at is None and key.expires_at > timezone.now(),
    }
