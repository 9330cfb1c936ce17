"""`manage.py source add ...` and `manage.py source limit N --hours H`."""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, json_object, text_file
from assistant.common.errors import UsageError
from assistant.sync.services import add_source, find_source
from assistant.sync.source_settings import set_age_limit

_ACTOR = "command line"


class Command(JsonCommand):
    """Sources."""

    help = "Add a source of documents, or set how old its permissions may be."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="Add a source.")
        add.add_argument("--kind", required=True, help="filesystem, jsonl, ...")
        add.add_argument("--name", required=True)
        add.add_argument("--config", required=True, metavar="JSON")
        add.add_argument(
            "--secrets-file", metavar="F", help='A file that holds a JSON object {"name": "secret"}.'
        )
        limit = verbs.add_parser("limit", help="How old permissions and groups may be.")
        limit.add_argument("source", metavar="SOURCE", help="Its name or number.")
        limit.add_argument("--hours", type=int, required=True)

    def handle(self, *, verb: str, **options: object) -> None:
        """Do what the sub-command says."""
        if verb == "add":
            self._add(**{name: options[name] for name in ("kind", "name", "config", "secrets_file")})
        else:
            self._limit(str(options["source"]), int(str(options["hours"])))

    def _add(self, *, kind: object, name: object, config: object, secrets_file: object) -> None:
        source_id = add_source(
            kind=str(kind),
            name=str(name),
            config=json_object(str(config), what="--config"),
            secrets=_secrets(str(secrets_file)) if secrets_file else {},
            actor=_ACTOR,
        )
        self.emit({"source": source_id, "name": str(name), "kind": str(kind)})

    def _limit(self, source: str, hours: int) -> None:
        source_id = find_source(source)
        set_age_limit(source_id=source_id, hours=hours, actor=_ACTOR)
        self.emit({"source": source_id, "hours": hours})


def _secrets(file: str) -> dict[str, str]:
    secrets: dict[str, str] = {}
    for key, value in json_object(text_file(file, what="The secrets file"), what="The secrets file").items():
        if not isinstance(value, str):
            raise UsageError(f"The secrets file: '{key}' must be a text.")
        secrets[key] = value
    return secrets
