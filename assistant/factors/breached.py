"""Passwords that stand in a file of leaked ones, if who runs the machine has one. Nothing is asked outside.

The file is that of Have I Been Pwned, ordered by hash: lines of SHA-1 in 40 capital hexadecimal digits, a
colon and a count. SHA-1 is how its entries are named there; it protects nothing here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

_DIGITS = 40


class _Person(Protocol):
    """Whose password it is to be; it does not matter here."""


def is_in(file: Path, password: str) -> bool:
    """Whether the password's hash begins a line of the file, found by halving it: 40 GB are some 36 steps.

    Raises:
        OSError: the file cannot be read.
    """
    hashed = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    wanted = hashed.hexdigest().upper().encode("ascii")
    with file.open("rb") as lines:
        # The line, if there is one, begins at or behind `low` and before `high`.
        low, high = 0, lines.seek(0, 2)
        while low < high:
            middle = (low + high) // 2
            lines.seek(max(0, middle - 1))
            if middle:
                lines.readline()  # up to the first line that begins at or behind the middle
            if lines.tell() >= high:
                high = middle
                continue
            found = lines.readline()[:_DIGITS].upper()
            if found == wanted:
                return True
            if found < wanted:
                low = lines.tell()
            else:
                high = middle
    return False


class BreachedPasswordValidator:
    """For Django's list of validators. Says yes to everything where no file is named."""

    def validate(self, password: str, user: _Person | None = None) -> None:  # noqa: ARG002 - Django's signature
        """Refuse what was leaked somewhere, and everything while the file cannot be read.

        Raises:
            ValidationError: it was, or nobody can tell.
        """
        named = str(settings.MUNDAP_BREACHED_PASSWORDS)
        if not named:
            return
        try:
            leaked = is_in(Path(named), password)
        except OSError as error:
            raise ValidationError(
                gettext("Passwords can’t be checked at the moment. Ask your administrator."),
                code="password_not_checked",
            ) from error
        if leaked:
            raise ValidationError(
                gettext("This password was leaked somewhere and is known to attackers. Choose another."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        """What Django's own forms say of it."""
        return gettext("Your password can’t be one that was leaked somewhere.")
