"""Who may read or enter by POSIX rights, as one ordered clause of an access list.

The rule of the system (acl(5)) is ordered and exclusive, and so is a clause:

1. The owner's bits decide alone for the owner.
2. A named user's entry, cut by the mask, decides alone for that user.
3. Of the owning and the named groups that somebody is in, one that grants (cut by the mask) is
   enough; if none of them grants, the answer is no: it does not fall through to the rest.
4. The bits of "others" decide for the rest.

So the clause lists the owner, the named users, the groups that grant, those that do not, and
the rest. Numbers become groups of one directory or of the source (`Naming`): a number that
nobody is known to have lets nobody in, and where it is denied, nobody gets past it.

A mask without any right: acl(5) refuses named users and groups, while Linux forgets the list
and treats them as others. The narrower reading is taken.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.common.acl import EVERYONE, NOBODY, PUBLIC, Acl, Clause, Entry, PrincipalRef, group
from assistant.common.told import told
from connectors.sdk.access_file import both
from connectors.sdk.directory import in_directory
from connectors.sdk.exact_json import MalformedError

READ, SEARCH = 4, 1
XATTR = "system.posix_acl_access"

_VERSION = 2
_HEADER = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_ALL_BITS = 0o7
# What systems show in place of a number that they cannot translate: it may stand for anybody.
_UNTRANSLATED = frozenset({65_534, 2**32 - 2, 2**32 - 1})
_PUBLIC_CLAUSE = PUBLIC.clauses[0]

Naming = Callable[[str, int], PrincipalRef]  # ("uid" or "gid", number) to the principal of whoever has it


@dataclass(frozen=True, slots=True)
class PosixAcl:
    """The rights of one file or folder; bits are 4 read, 2 write, 1 search. `mask` None: nothing is cut."""

    owner: int
    group: int
    owner_bits: int
    group_bits: int
    other_bits: int
    users: tuple[tuple[int, int], ...] = ()  # (number, bits)
    groups: tuple[tuple[int, int], ...] = ()
    mask: int | None = None


def names_of_directory(scheme: str, number: int) -> PrincipalRef:
    """Naming by the directory that the source is joined to."""
    return in_directory(scheme, _number(number))


def names_of_source(scheme: str, number: int) -> PrincipalRef:
    """Naming by the source's own groups file: its groups are called `uid:1001` and `gid:100`."""
    return group(f"{scheme}:{_number(number)}")


def _number(number: int) -> str:
    return "untranslated" if number in _UNTRANSLATED else str(number)


def from_mode(mode: int, *, owner: int, group: int) -> PosixAcl:
    """The rights that the mode's nine bits give."""
    return PosixAcl(owner, group, mode >> 6 & _ALL_BITS, mode >> 3 & _ALL_BITS, mode & _ALL_BITS)


def parse_xattr(data: bytes, *, owner: int, group: int) -> PosixAcl:
    """The rights that the attribute `XATTR` of a file holds.

    Raises:
        MalformedError: not exactly what the kernel writes.
    """
    if len(data) < _HEADER.size or (len(data) - _HEADER.size) % _ENTRY.size:
        raise MalformedError(told("is an access list that was cut off"))
    if _HEADER.unpack_from(data) != (_VERSION,):
        raise MalformedError(told("is an access list of an unknown version"))
    by_tag: dict[int, list[tuple[int, int]]] = {}
    for tag, bits, number in _ENTRY.iter_unpack(data[_HEADER.size :]):
        if bits > _ALL_BITS:
            raise MalformedError(told("is an access list with unknown rights"))
        by_tag.setdefault(tag, []).append((number, bits))
    if set(by_tag) - {_OWNER, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER}:
        raise MalformedError(told("is an access list with an unknown kind of entry"))
    users, groups = by_tag.get(_USER, []), by_tag.get(_GROUP, [])
    if any(len(each) != len(dict(each)) for each in (users, groups)):
        raise MalformedError(told("is an access list that names one user or group twice"))
    mask = _only(by_tag, _MASK) if users or groups or _MASK in by_tag else None
    return PosixAcl(
        owner,
        group,
        _only(by_tag, _OWNER),
        _only(by_tag, _GROUP_OBJ),
        _only(by_tag, _OTHER),
        tuple(users),
        tuple(groups),
        mask,
    )


def _only(by_tag: dict[int, list[tuple[int, int]]], tag: int) -> int:
    entries = by_tag.get(tag, [])
    if len(entries) != 1:
        raise MalformedError(told("is an access list without exactly one owner, group, mask or rest"))
    return entries[0][1]


def clause(rights: PosixAcl, want: int, *, naming: Naming, others: Sequence[PrincipalRef]) -> Clause:
    """Whom the rights give the bit `want`; `others`: who the rest are."""
    entries = list(_entries(rights, want, naming, others))
    while entries and not entries[-1].allow:  # a deny before which nobody was let in adds nothing
        entries.pop()
    if all(entry.allow for entry in entries) and any(entry.principal == EVERYONE for entry in entries):
        return _PUBLIC_CLAUSE
    return Clause(tuple(dict.fromkeys(entries)))


def _entries(rights: PosixAcl, want: int, naming: Naming, others: Sequence[PrincipalRef]) -> Iterator[Entry]:
    mask = _ALL_BITS if rights.mask is None else rights.mask
    yield Entry(bool(rights.owner_bits & want), naming("uid", rights.owner))
    for number, bits in sorted(rights.users):
        yield Entry(bool(bits & mask & want), naming("uid", number))
    groups = sorted((*rights.groups, (rights.group, rights.group_bits)))
    for grants in (True, False):
        for number, bits in groups:
            if bool(bits & mask & want) is grants:
                yield Entry(grants, naming("gid", number))
    if rights.other_bits & want:
        for principal in others:
            yield Entry(allow=True, principal=principal)


def all_of(layers: Sequence[Clause]) -> Acl:
    """The list that lets in whom every layer lets in."""
    if any(not layer.entries for layer in layers):
        return NOBODY
    kept = tuple(dict.fromkeys(layer for layer in layers if layer != _PUBLIC_CLAUSE))
    return Acl(kept) if kept or not layers else PUBLIC


def narrowed(stated: Acl, layers: Sequence[Clause | None]) -> Acl | None:
    """Who is let in by what is stated and by every layer; None: a layer could not be read."""
    known = [layer for layer in layers if layer is not None]
    return both(stated, all_of(known)) if len(known) == len(layers) else None
