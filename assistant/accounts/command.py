"""The shape that all of Mundap's commands share: JSON on stdout, logs on stderr, three exit statuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand

from assistant.accounts.models import User
from assistant.audit.origin import Origin, Via, coming_from
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.types import Json, JsonObject


class JsonCommand(BaseCommand):
    """A command that prints one JSON object."""

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own signature

    def execute(self, *args: object, **options: object) -> str | None:
        """Run, so that the audit log says that it was a command."""
        with coming_from(Origin(Via.COMMAND)):
            return super().execute(*args, **options)

    def emit(self, result: JsonObject) -> None:
        """Print the result."""
        self.stdout.write(json.dumps(result, ensure_ascii=False))


def known_user(email: str) -> User:
    """The account with this address.

    Raises:
        UsageError: there is none.
    """
    found = User.objects.filter(email=canonical_email(email)).first()
    if found is None:
        raise UsageError(f"There is no account {email}. Add it with: python manage.py user add {email}")
    return found


def json_object(text: str, *, what: str) -> dict[str, Json]:
    """A JSON object from a command's argument.

    Raises:
        UsageError: not JSON, or not an object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{what} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise UsageError(f"{what} must be a JSON object such as {{}}.")
    return value


def text_file(path: str, *, what: str) -> str:
    """The text of a file that a command names.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{what} {path} cannot be read: {error}.") from error


def say(line: str) -> None:
    """A line for the person at the terminal; stdout is for the result."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201
