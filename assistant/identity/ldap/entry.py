"""What an entry says of a person: who they are for ever, and whether the directory lets them in."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Attributes by which directories close accounts; operational ones come only where they are asked for by name.
STATE = (
    "userAccountControl",
    "accountExpires",
    "pwdAccountLockedTime",
    "nsAccountLock",
    "shadowExpire",
    "loginDisabled",
)
_DISABLED = 2  # in userAccountControl
_NEVER = (0, 2**63 - 1)  # in accountExpires
_NO = "FALSE"
_GUID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Attribute names are lower case."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def texts(self, name: str) -> tuple[str, ...]:
        """The values that are UTF-8 without a NUL."""
        texts = []
        for value in self.attributes.get(name.lower(), ()):
            with contextlib.suppress(UnicodeDecodeError):
                texts.append(value.decode())
        return tuple(text for text in texts if "\x00" not in text)

    def text(self, name: str) -> str:
        """The first value, or nothing."""
        return next(iter(self.texts(name)), "")


def subject_of(entry: Entry, attribute: str) -> str:
    """The one value that stays; empty where there is none, or more than one."""
    values = entry.attributes.get(attribute.lower(), ())
    if len(values) != 1:
        return ""
    if attribute.lower() == "objectguid":
        return str(uuid.UUID(bytes_le=values[0])) if len(values[0]) == _GUID_BYTES else ""
    return entry.text(attribute).strip().lower()


def is_closed(entry: Entry, now: datetime) -> bool:
    """Whether the directory says that this account is locked, disabled or over, or says it unreadably.

    Of several values of an attribute one is enough.
    """
    try:
        return any(
            _closes(name, value.decode(), now)
            for name in STATE
            for value in entry.attributes.get(name.lower(), ())
        )
    except ValueError:  # no text, or no number
        return True


def _closes(name: str, value: str, now: datetime) -> bool:
    match name:
        case "userAccountControl":
            return bool(int(value) & _DISABLED)
        case "accountExpires":  # in steps of 100 ns since 1601
            since = now - datetime(1601, 1, 1, tzinfo=UTC)
            return int(value) not in _NEVER and int(value) <= since // timedelta(microseconds=1) * 10
        case "shadowExpire":
            return 0 <= int(value) <= (now - datetime(1970, 1, 1, tzinfo=UTC)).days
        case "nsAccountLock" | "loginDisabled":
            return value.upper() != _NO
        case _:  # a time, since when it is locked
            return True
