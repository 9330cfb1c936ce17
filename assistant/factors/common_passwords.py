"""Passwords that people who type Korean choose first, beside the list of English ones that Django brings, and
the words of the place: the product, what its roles are called, the names of its hosts and the domain of the
person's address.

Korean words typed on the English layout look random and are not. Digits and signs at the ends do not help, so
they are taken off before comparing, and what is left must be more than one of these words, however often.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

_WORDS = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_WITHIN = re.compile(r"[\W\d_]+")
_SHORTEST_WORD = 3  # of a name; shorter ones stand in too much
_OF_EVERYBODY = frozenset(("www", "com", "net", "org", "localhost"))


class _Person(Protocol):
    """Whose password it is to be."""

    email: str


def words_of_the_place(email: str = "") -> frozenset[str]:
    """What the parts of this installation's host names and of an address's domain are called."""
    names = [*settings.ALLOWED_HOSTS, email.rpartition("@")[2]]
    parts = (part for name in names for part in _WITHIN.split(name.casefold()))
    return frozenset(part for part in parts if len(part) >= _SHORTEST_WORD) - _OF_EVERYBODY


def is_common(password: str, also: frozenset[str] = frozenset()) -> bool:
    """Whether nothing is left of it but common words, `also` these, digits and signs."""
    text = unicodedata.normalize("NFKC", password).casefold()
    parts = [part for part in _WITHIN.split(_ENDS.sub("", text)) if part]
    words = _WORDS | also
    return all(_is_word(part, words) for part in parts)


class CommonKoreanPasswordValidator:
    """For Django's list of validators."""

    def validate(self, password: str, user: _Person | None = None) -> None:
        """Refuse what everybody tries.

        Raises:
            ValidationError: it is common.
        """
        if is_common(password, words_of_the_place(user.email if user is not None else "")):
            raise ValidationError(
                gettext("This password is one of the first that others try. Choose another."),
                code="password_too_common",
            )

    def get_help_text(self) -> str:
        """What Django's own forms say of it."""
        return gettext("Your password can’t be one that others try first.")


def _is_word(part: str, words: frozenset[str]) -> bool:
    """One of the words, or one of them again and again."""
    return any(part == word * (len(part) // len(word)) for word in words if len(part) % len(word) == 0)
