"""`manage.py source add --kind K --name N --config JSON [--secrets-file F]`."""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, json_object, text_file
from assistant.common.errors import UsageError
from assistant.sync.services import add_source


class Command(JsonCommand):
    """Sources."""

    help = "Add a source of documents."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-command and its options."""
        add = parser.add_subparsers(dest="verb", required=True).add_parser("add", help="Add a source.")
        add.add_argument("--kind", required=True, help="filesystem, jsonl, ...")
        add.add_argument("--name", required=True)
        add.add_argument("--config", required=True, metavar="JSON")
        add.add_argument(
            "--secrets-file", metavar="F", help='A file that holds a JSON object {"name": "secret"}.'
        )

    def handle(self, *, kind: str, name: str, config: str, secrets_file: str | None, **_: object) -> None:
        """Add the source."""
        secrets: dict[str, str] = {}
        if secrets_file:
            for key, value in json_object(
                text_file(secrets_file, what="The secrets file"), what="The secrets file"
            ).items():
                if not isinstance(value, str):
                    raise UsageError(f"The secrets file: '{key}' must be a text.")
                secrets[key] = value
        source_id = add_source(
            kind=kind,
            name=name,
            config=json_object(config, what="--config"),
            secrets=secrets,
            actor="command line",
        )
        self.emit({"source": source_id, "name": name, "kind": kind})
