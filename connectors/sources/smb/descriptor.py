"""A security descriptor as it lies on the wire (MS-DTYP 2.4.6, self-relative), read without trust."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from assistant.common.told import told

_HEADER = struct.Struct("<BBHIIII")
_ACL_HEADER = struct.Struct("<BBHHH")
_ACE_HEADER = struct.Struct("<BBH")
_SID_HEADER = struct.Struct("<BB6s")
_DACL_PRESENT = 0x0004
_SACL_PRESENT = 0x0010
_SCOPED_POLICY = 0x13
_MOST_AUTHORITIES = 15
_SID = re.compile(r"S-1-\d{1,15}(-\d{1,10}){1,15}")

# Entries whose layout is mask, SID, and perhaps a condition.
_PLAIN = frozenset({0x00, 0x01, 0x09, 0x0A})


class BadDescriptor(ValueError):
    """What is wrong with the descriptor, in one sentence."""


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry. `sid` is empty where the type's layout is not known here; then `mask` says nothing."""

    type: int
    flags: int
    mask: int
    sid: str


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`dacl` None: there is none, which lets everyone in. `has_policy`: a central policy also decides."""

    owner: str
    dacl: tuple[Ace, ...] | None
    has_policy: bool = False


def is_sid(text: str) -> bool:
    """Whether this is a SID as it is written."""
    return _SID.fullmatch(text) is not None


def parse_descriptor(data: bytes) -> Descriptor:
    """The descriptor in `data`.

    Raises:
        BadDescriptor: cut short, or not what the format says.
    """
    try:
        _, _, control, owner_at, _, sacl_at, dacl_at = _HEADER.unpack_from(data)
        owner = _sid_at(data, owner_at)[0] if owner_at else ""
        dacl = _acl_at(data, dacl_at) if control & _DACL_PRESENT and dacl_at else None
        sacl = _acl_at(data, sacl_at) if control & _SACL_PRESENT and sacl_at else ()
    except struct.error as error:
        raise BadDescriptor(told("The security descriptor is cut short.")) from error
    return Descriptor(owner, dacl, any(ace.type == _SCOPED_POLICY for ace in sacl))


def _acl_at(data: bytes, start: int) -> tuple[Ace, ...]:
    _, _, size, count, _ = _ACL_HEADER.unpack_from(data, start)
    end, at = start + size, start + _ACL_HEADER.size
    if end > len(data):
        raise BadDescriptor(told("The access list is cut short."))
    entries = []
    for _ in range(count):
        kind, flags, length = _ACE_HEADER.unpack_from(data, at)
        if length < _ACE_HEADER.size or at + length > end:
            raise BadDescriptor(told("An entry of the access list is larger than the list."))
        entries.append(_ace(kind, flags, data[at + _ACE_HEADER.size : at + length]))
        at += length
    return tuple(entries)


def _ace(kind: int, flags: int, body: bytes) -> Ace:
    if kind not in _PLAIN:
        return Ace(kind, flags, 0, "")
    (mask,) = struct.unpack_from("<I", body)
    return Ace(kind, flags, mask, _sid_at(body, 4)[0])


def _sid_at(data: bytes, start: int) -> tuple[str, int]:
    """The SID that begins at `start`, as it is written, and where it ends."""
    revision, count, authority = _SID_HEADER.unpack_from(data, start)
    if revision != 1 or not 0 < count <= _MOST_AUTHORITIES:
        raise BadDescriptor(told("A SID in the security descriptor is not of the known form."))
    parts = struct.unpack_from(f"<{count}I", data, start + _SID_HEADER.size)
    number = int.from_bytes(authority, "big")
    return "-".join(["S-1", str(number), *map(str, parts)]), start + _SID_HEADER.size + 4 * count
