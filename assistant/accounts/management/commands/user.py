"""`manage.py user add EMAIL [--name N] [--role R] [--password-file F]`."""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, text_file
from assistant.accounts.models import Role
from assistant.accounts.services import add_user


class Command(JsonCommand):
    """Accounts."""

    help = "Add an account."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-command and its options."""
        add = parser.add_subparsers(dest="verb", required=True).add_parser("add", help="Add an account.")
        add.add_argument("email", metavar="EMAIL")
        add.add_argument("--name", default="", help="How the person is called.")
        add.add_argument("--role", default=Role.EMPLOYEE.value, help=f"One of: {', '.join(Role.values)}.")
        add.add_argument(
            "--password-file", help="A file that holds the password; without it nobody signs in."
        )

    def handle(self, *, email: str, name: str, role: str, password_file: str | None, **_: object) -> None:
        """Add the account."""
        password = text_file(password_file, what="The password file").strip() if password_file else None
        user = add_user(email=email, name=name, role=role, password=password, actor="command line")
        self.emit({"user": user.pk, "email": user.email, "role": user.role})
