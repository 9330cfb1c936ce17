"""What a provider says of a person, whatever protocol it said it by."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assistant.common.types import Json

_LONGEST_NAME = 120
_MOST_GROUPS = 2_000


@dataclass(frozen=True, slots=True)
class Claims:
    """One person. Only what a verified message said may be put in here.

    `verified`: the provider vouches that the address is the person's own. `groups`: None where it told
    nothing of groups, which is not the same as none. `session`: the provider's name of its own session;
    `kept` is what signing out there needs; `session_ends_at`: when a session made of it must end, if it says.
    """

    subject: str
    email: str = ""
    verified: bool = True
    name: str = ""
    groups: tuple[str, ...] | None = None
    session: str = ""
    kept: Mapping[str, Json] = field(default_factory=dict)
    session_ends_at: datetime | None = None

    def as_json(self) -> dict[str, Json]:
        """For `StartedSignIn.claims`."""
        return {
            "subject": self.subject,
            "email": self.email,
            "verified": self.verified,
            "name": self.name,
            "groups": None if self.groups is None else list(self.groups),
            "session": self.session,
            "kept": dict(self.kept),
            "session_ends_at": None if self.session_ends_at is None else self.session_ends_at.isoformat(),
        }


def claims_of(stored: Mapping[str, Json]) -> Claims:
    """What `Claims.as_json` stored."""
    groups, kept, ends = stored["groups"], stored["kept"], stored.get("session_ends_at")
    return Claims(
        subject=str(stored["subject"]),
        email=str(stored["email"]),
        verified=stored["verified"] is True,
        name=str(stored["name"]),
        groups=tuple(map(str, groups)) if isinstance(groups, list) else None,
        session=str(stored["session"]),
        kept=kept if isinstance(kept, dict) else {},
        session_ends_at=None if ends is None else datetime.fromisoformat(str(ends)),
    )


def shown_name(text: str) -> str:
    """A person's name as it may be kept: one line, without control and formatting characters."""
    plain = "".join(
        " " if unicodedata.category(letter) in {"Zs", "Zl", "Zp", "Cc"} else letter
        for letter in unicodedata.normalize("NFC", text)
        if unicodedata.category(letter) not in {"Cf", "Cs", "Co", "Cn"}
    )
    return " ".join(plain.split())[:_LONGEST_NAME].strip()


def counted_groups(groups: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The groups, of which nobody has thousands: more than that count as not told."""
    return None if groups is None or len(groups) > _MOST_GROUPS else groups
