"""`manage.py user VERB ...`: accounts, their addresses, and the source accounts that are theirs.

add EMAIL [--name N] [--role R] [--password-file F]
list
alias EMAIL ADDRESS | confirm ADDRESS | release ADDRESS
role EMAIL ROLE
close EMAIL | reopen EMAIL | free EMAIL
sign-out EMAIL | let-in EMAIL
link EMAIL --source N --account ID | unlink --source N --account ID
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from assistant.accounts import people
from assistant.accounts.command import JsonCommand, known_user, text_file
from assistant.accounts.models import Address, Connection, Role, User
from assistant.accounts.services import add_user
from assistant.accounts.sessions import end_all_sessions
from assistant.accounts.throttle import lift
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.types import Json, JsonObject

Options = Mapping[str, str]
Act = Callable[[Options], JsonObject]

_ACTOR = "command line"


class Command(JsonCommand):
    """Accounts."""

    help = "Add and list accounts; change their addresses, roles and links to source accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands, each with what it does, and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)

        def verb(name: str, act: Act, *words: str, does: str) -> CommandParser:
            added: CommandParser = verbs.add_parser(name, help=does)
            for word in words:
                added.add_argument(word, metavar=word.upper())
            added.set_defaults(act=act)
            return added

        add = verb("add", _add, "email", does="Add an account.")
        add.add_argument("--name", default="", help="How the person is called.")
        add.add_argument("--role", default=Role.EMPLOYEE.value, help=f"One of: {', '.join(Role.values)}.")
        add.add_argument(
            "--password-file", default="", help="A file that holds the password; without it nobody signs in."
        )
        verb("list", _list, does="All accounts with their addresses and links.")
        verb("alias", _alias, "email", "address", does="Another address by which sources know a person.")
        verb("confirm", _confirm, "address", does="What its former holder was granted is meant for this one.")
        verb("release", _release, "address", does="Take an alias from its holder.")
        verb("role", _role, "email", "role", does=f"Give another role: {', '.join(Role.values)}.")
        verb("close", _close, "email", does="End an account: no sign-in, no key, nothing readable.")
        verb("reopen", _reopen, "email", does="Open a closed account again.")
        verb("sign-out", _sign_out, "email", does="End all sessions of a person.")
        verb("let-in", _let_in, "email", does="Forget wrong passwords: nobody waits any more.")
        verb("free", _free, "email", does="Set the addresses of a closed account free for somebody else.")
        for added in (
            verb("link", _link, "email", does="Decide whose a source's account is."),
            verb("unlink", _unlink, does="Take such a decision back."),
        ):
            added.add_argument("--source", required=True, metavar="N", help="Its name or number.")
            added.add_argument(
                "--account", required=True, metavar="ID", help="The account's id in its source."
            )

    def handle(self, *, act: Act, **options: str) -> None:
        """Do what the verb says and print what is so now."""
        self.emit(act(options))


def _add(options: Options) -> JsonObject:
    file = options["password_file"]
    password = text_file(file, what="The password file").strip() if file else None
    user = add_user(
        email=options["email"], name=options["name"], role=options["role"], password=password, actor=_ACTOR
    )
    return {"user": user.pk, "email": user.email, "role": user.role}


def _list(_: Options) -> JsonObject:
    return {"users": [_shown(user) for user in _people().order_by("email")]}


def _alias(options: Options) -> JsonObject:
    user = known_user(options["email"])
    people.add_alias(user_id=user.pk, address=options["address"], actor=_ACTOR)
    return _now(user.pk)


def _confirm(options: Options) -> JsonObject:
    people.confirm_address(address=options["address"], actor=_ACTOR)
    held = Address.objects.get(address=canonical_email(options["address"]))
    return {"address": held.address, "user": held.user_id, "confirmed": held.confirmed}


def _release(options: Options) -> JsonObject:
    people.release_address(address=options["address"], actor=_ACTOR)
    return {"address": canonical_email(options["address"]), "user": None}


def _role(options: Options) -> JsonObject:
    user = known_user(options["email"])
    people.set_role(user_id=user.pk, role=options["role"], actor=_ACTOR)
    return _now(user.pk)


def _close(options: Options) -> JsonObject:
    user = known_user(options["email"])
    people.close_account(user_id=user.pk, actor=_ACTOR)
    return _now(user.pk)


def _reopen(options: Options) -> JsonObject:
    user = known_user(options["email"])
    people.reopen_account(user_id=user.pk, actor=_ACTOR)
    return _now(user.pk)


def _free(options: Options) -> JsonObject:
    user = known_user(options["email"])
    people.release_closed_account(user_id=user.pk, actor=_ACTOR)
    return _now(user.pk)


def _sign_out(options: Options) -> JsonObject:
    user = known_user(options["email"])
    return {"user": user.pk, "ended": end_all_sessions(user_id=user.pk, actor=_ACTOR)}


def _let_in(options: Options) -> JsonObject:
    user = known_user(options["email"])
    return {"user": user.pk, "waited": lift(name=user.email, actor=_ACTOR)}


def _link(options: Options) -> JsonObject:
    source, user = _source(options["source"]), known_user(options["email"])
    people.link_account(connection_id=source.pk, account_id=options["account"], user_id=user.pk, actor=_ACTOR)
    return _now(user.pk)


def _unlink(options: Options) -> JsonObject:
    source = _source(options["source"])
    people.unlink_account(connection_id=source.pk, account_id=options["account"], actor=_ACTOR)
    return {"source": source.name, "account": options["account"], "user": None}


def _source(name_or_number: str) -> Connection:
    found = Connection.objects.filter(name=name_or_number).first()
    if found is None and name_or_number.isascii() and name_or_number.isdigit():
        found = Connection.objects.filter(pk=name_or_number).first()
    if found is None:
        raise UsageError(f"There is no source '{name_or_number}'. Give its name or its number.")
    return found


def _people() -> QuerySet[User]:
    return User.objects.prefetch_related("addresses", "account_links__principal__connection")


def _now(user_id: int) -> JsonObject:
    return _shown(_people().get(pk=user_id))


def _shown(user: User) -> JsonObject:
    addresses: list[Json] = [
        {"address": row.address, "alias": row.is_alias, "confirmed": row.confirmed}
        for row in sorted(user.addresses.all(), key=lambda row: (row.is_alias, row.address))
    ]
    links: list[Json] = [
        {"source": str(row.principal.connection), "account": row.principal.external_id}
        for row in sorted(user.account_links.all(), key=lambda row: row.pk)
    ]
    return {
        "user": user.pk,
        "email": user.email,
        "name": user.name,
        "kind": user.kind,
        "role": user.role,
        "active": user.is_active,
        "addresses": addresses,
        "accounts": links,
    }
