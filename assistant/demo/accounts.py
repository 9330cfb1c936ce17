"""The people of the demo company who can sign in, and the file that says how.

One passphrase is made for each installation, so no two installations share a
password that somebody could look up. It is kept in MUNDAP_HOME, readable by its
owner only, and shown at each start for as long as it still works.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from assistant.accounts.models import Role, User
from assistant.accounts.revisions import Counter, bump
from assistant.audit import trail

SIGN_INS_FILE = "demo-sign-ins.txt"
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"
_WORDS, _SYLLABLES = 3, 3  # 80 ** 9: about 57 bits


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo company; `part` says for whom the account stands."""

    email: str
    name: str
    part: str
    language: str
    role: Role = Role.EMPLOYEE


PEOPLE = (
    Person("jiwoo@ondam.example", "김지우", "employee", "ko"),
    Person("minseo@ondam.example", "박민서", "member of HR", "ko"),
    Person("hyunjin@ondam.example", "이현진", "executive", "ko"),
    Person("admin@ondam.example", "Admin", "administrator", "en", Role.ADMINISTRATOR),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A demo account that can be used now."""

    email: str
    part: str
    passphrase: str


def add_demo_accounts(home: Path) -> None:
    """Make the accounts that do not exist yet, all with this installation's passphrase."""
    passphrase = _kept_passphrase(home) or _new_passphrase(home)
    with transaction.atomic():
        known = set(User.objects.values_list("email", flat=True))
        for person in PEOPLE:
            if person.email not in known:
                user = User.objects.create_user(
                    person.email,
                    passphrase,
                    name=person.name,
                    role=person.role,
                    language=person.language,
                )
                trail.record(trail.Event.USER_ADDED, actor="demo", user=user.pk)
        bump(Counter.PERMISSIONS)


def usable_sign_ins(home: Path) -> tuple[SignIn, ...]:
    """The demo accounts that are still active and still have the passphrase of the file."""
    passphrase = _kept_passphrase(home)
    if not passphrase:
        return ()
    parts = {person.email: person.part for person in PEOPLE}
    users = User.objects.filter(email__in=parts, is_active=True).order_by("pk")
    return tuple(
        SignIn(user.email, parts[user.email], passphrase) for user in users if user.check_password(passphrase)
    )


def _kept_passphrase(home: Path) -> str:
    try:
        lines = (home / SIGN_INS_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("passphrase:")), "")


def _new_passphrase(home: Path) -> str:
    """Three made-up words that can be read aloud, written where only the owner reads them."""
    passphrase = "-".join(
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES))
        for _ in range(_WORDS)
    )
    people = "\n".join(f"{person.email}  ({person.part})" for person in PEOPLE)
    draft = home / f".{SIGN_INS_FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"passphrase: {passphrase}\n\n{people}\n")
    draft.rename(home / SIGN_INS_FILE)
    return passphrase
