"""Passwords that people who type Korean choose first, beside the list of English ones that Django brings.

Korean words typed on the English layout look random and are not. Digits and signs at the ends do not help, so
they are taken off before comparing, and what is left must be more than one of these words, however often.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Protocol

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

_WORDS = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_WITHIN = re.compile(r"[\W\d_]+")


class _Person(Protocol):
    """Whose password it is to be; it does not matter here."""


def is_common(password: str) -> bool:
    """Whether nothing is left of it but common words, digits and signs."""
    text = unicodedata.normalize("NFKC", password).casefold()
    parts = [part for part in _WITHIN.split(_ENDS.sub("", text)) if part]
    return all(_is_word(part) for part in parts)


class CommonKoreanPasswordValidator:
    """For Django's list of validators."""

    def validate(self, password: str, user: _Person | None = None) -> None:  # noqa: ARG002 - Django's signature
        """Refuse what everybody tries.

        Raises:
            ValidationError: it is common.
        """
        if is_common(password):
            raise ValidationError(
                gettext("This password is one of the first that others try. Choose another."),
                code="password_too_common",
            )

    def get_help_text(self) -> str:
        """What Django's own forms say of it."""
        return gettext("Your password can’t be one that others try first.")


def _is_word(part: str) -> bool:
    """One of the words, or one of them again and again."""
    return any(part == word * (len(part) // len(word)) for word in _WORDS if len(part) % len(word) == 0)
