"""The id of a message: mailbox, folder, UIDVALIDITY and UID, as in `ann/Projects/Heron;1700000000/42`.

The server never gives a UID twice while the folder's UIDVALIDITY is the same. A folder
that was made anew, or a mailbox that somebody else got, has another UIDVALIDITY, so
that no old id ever stands for a new message.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

MAX_MAILBOX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies."""

    login: str
    folder: str
    uidvalidity: int
    uid: int


def mailbox_prefix(login: str) -> str:
    """What the ids of a mailbox, and of no other, begin with."""
    return _escaped(login, "%/;") + "/"


def folder_prefix(login: str, folder: str) -> str:
    """What the ids of a folder, and of none below it, begin with."""
    return mailbox_prefix(login) + _escaped(folder, "%;") + ";"


def message_id(place: Place) -> str:
    """The external id of a message."""
    return f"{folder_prefix(place.login, place.folder)}{place.uidvalidity}/{place.uid}"


def place_of(external_id: str) -> Place | None:
    """Where the message with this id lies; None for what is no id of a message."""
    head, semicolon, tail = external_id.rpartition(";")
    login, slash, folder = head.partition("/")
    uidvalidity, stroke, uid = tail.partition("/")
    if not (semicolon and slash and stroke and uidvalidity.isdecimal() and uid.isdecimal()):
        return None
    return Place(unquote(login), unquote(folder), int(uidvalidity), int(uid))


def _escaped(text: str, signs: str) -> str:
    return "".join(quote(c, safe="") if c in signs else c for c in text)
