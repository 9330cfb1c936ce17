"""`manage.py rotate-key [--check | --begin]`: a new secret key, while everything runs.

The way, without a stop:

1. A new key first, the old one behind it: `--begin` does so in MUNDAP_HOME/secret.key; where the environment
   has the key, set MUNDAP_SECRET_KEY to the new one and MUNDAP_SECRET_KEY_FALLBACKS to the old one.
2. Restart the processes. Several hosts: first give all the new key as a fallback, then exchange the two.
3. `rotate-key`: seals everything anew. Killed or interrupted: run it again.
4. `--check` says that nothing needs the old key: remove it, and restart when it suits.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, say
from assistant.common.errors import UsageError
from assistant.privacy.rotating import Remaining, remaining, rotate

_ACTOR = "command line"


class Command(JsonCommand):
    """Replace the secret key."""

    help = "Seal everything with the new MUNDAP_SECRET_KEY, so that the old one can be removed."

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--check", action="store_true", help="Only say what still needs an old key.")
        which.add_argument(
            "--begin", action="store_true", help="Put a new key before the old one in MUNDAP_HOME/secret.key."
        )

    def handle(self, *, check: bool, begin: bool, **_: object) -> None:
        """Do it. Ends with 1 while an old key is still needed, or where no key opens something."""
        if begin:
            self._begin()
            return
        if check:
            left = remaining()
            self.emit({"ok": left.nothing and not left.lost, "remaining": left.as_json()})
        else:
            done = rotate(actor=_ACTOR, hears=lambda what, n: say(f"{what}: {n}") if n else None)
            left = done.remaining
            self.emit(
                {
                    "ok": left.nothing and not left.lost,
                    "resealed": done.resealed,
                    "sessions": done.sessions,
                    "audit_keys": done.audit_keys,
                    "remaining": left.as_json(),
                }
            )
        _advise(left)
        if left.lost or not left.nothing:
            sys.exit(1)

    def _begin(self) -> None:
        file = Path(settings.MUNDAP_HOME) / "secret.key"
        held = file.read_text(encoding="ascii").split() if file.exists() else []
        if not held or held[0] != settings.SECRET_KEY:
            raise UsageError(
                "The secret key of this installation comes from the environment. Set MUNDAP_SECRET_KEY to a "
                "new one of at least 32 random characters, and MUNDAP_SECRET_KEY_FALLBACKS to the one of now."
            )
        if len(held) > 1:
            raise UsageError(
                "A new key was begun before and the old one is still there. Run `rotate-key`, then remove "
                f"every line but the first from {file}."
            )
        draft = file.with_name("secret.key.unfinished")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write("\n".join([secrets.token_urlsafe(64), *held]) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
        say(f"{file} has a new key. Restart Mundap, then run: python manage.py rotate-key")
        self.emit({"ok": True, "keys": len(held) + 1})


def _advise(left: Remaining) -> None:
    if left.lost:
        say(
            "No known key opens: " + ", ".join(left.lost) + ". If an older key is known, add it to "
            "MUNDAP_SECRET_KEY_FALLBACKS and run this again; else enter these secrets again."
        )
    if not left.nothing:
        say("The old key is still needed. Run `rotate-key` again, after every process has the new key.")
    elif settings.SECRET_KEY_FALLBACKS:
        say(
            "Nothing needs the old key any more. Remove it: MUNDAP_SECRET_KEY_FALLBACKS, or every line but "
            "the first of MUNDAP_HOME/secret.key. Then restart Mundap."
        )
