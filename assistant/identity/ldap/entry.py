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
_YES = "TRUE"
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
    """Whether the directory says that this account is locked, disabled or over, or says it unreadably."""
    if any(entry.texts(name) for name in ("pwdAccountLockedTime",)):
        return True
    if any(entry.text(name).upper() == _YES for name in ("nsAccountLock", "loginDisabled")):
        return True
    try:
        return _is_over(entry, now)
    except ValueError:
        return True


def _is_over(entry: Entry, now: datetime) -> bool:
    control, expires, shadow = (
        entry.text(name) for name in ("userAccountControl", "accountExpires", "shadowExpire")
    )
    if control and int(control) & _DISABLED:
        return True
    if expires and int(expires) not in _NEVER:
        # In steps of 100 ns since 1601.
        since = now - datetime(1601, 1, 1, tzinfo=UTC)
        if int(expires) <= since // timedelta(microseconds=1) * 10:
            return True
    days = (now - datetime(1970, 1, 1, tzinfo=UTC)).days
    return bool(shadow) and 0 <= int(shadow) <= days
