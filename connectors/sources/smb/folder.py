"""The entries of one folder as the server sends them (MS-FSCC 2.4.18), read without trust."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_ENTRY = struct.Struct("<IIqqqqqqIIIIQ")  # up to the name
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

SYSTEM = 0x0004
DIRECTORY = 0x0010
OFFLINE = 0x1000
ENCRYPTED = 0x4000
REPARSE_POINT = 0x0400
RECALL = 0x0004_0000 | 0x0040_0000


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry. `name` may hold halves of surrogate pairs; times are in 100 ns since 1601."""

    name: str
    attributes: int
    size: int
    written: int
    created: int
    file_id: int

    @property
    def modified(self) -> datetime | None:
        """When the content was last written; None: no time that a calendar has."""
        try:
            return _EPOCH + timedelta(microseconds=self.written // 10) if self.written > 0 else None
        except OverflowError:
            return None


def entries_in(buffer: bytes) -> Iterator[Listed]:
    """The entries of one answer.

    Raises:
        ValueError: it is cut short.
    """
    at = 0
    while True:
        try:
            fields = _ENTRY.unpack_from(buffer, at)
        except struct.error as error:
            raise ValueError("the listing is cut short") from error
        following, _, created, _, written, _, size, _, attributes, length, _, _, file_id = fields
        start = at + _ENTRY.size
        name = buffer[start : start + length]
        if len(name) != length:
            raise ValueError("the listing is cut short")
        text = name.decode("utf-16-le", "surrogatepass")
        yield Listed(text, attributes, size, written, created, file_id)
        if following == 0:
            return
        if following < _ENTRY.size:
            raise ValueError("the listing goes back")
        at += following
