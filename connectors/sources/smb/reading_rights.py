"""Whom does an access list of Windows let read? The same entries, in the same order, for our principals.

The first entry that names somebody and the right to read decides for them. So nothing is sorted
here: an explicit allow stands before an inherited deny and wins, as on the server.

Each doubt is closed. A SID that nobody knows lets nobody in, and its deny keeps everybody out. A
conditional allow (its condition is not evaluated) grants nothing, a conditional deny denies. An entry
of an unknown type keeps everybody out from its place on: it may be a deny.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.common.acl import EVERYONE, Clause, Entry, PrincipalRef, group
from connectors.sdk.directory import in_directory
from connectors.sources.smb.descriptor import Ace, Descriptor

# FILE_READ_DATA, and the generic rights that include it.
READ = 0x0000_0001 | 0x8000_0000 | 0x1000_0000
_INHERIT_ONLY = 0x08
_ALLOW, _DENY, _ALLOW_IF, _DENY_IF = 0x00, 0x01, 0x09, 0x0A
# Audits, alarms, labels and claims neither grant nor deny, wherever they stand.
_SILENT = frozenset({0x02, 0x03, 0x07, 0x08, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13})

_OWNER_RIGHTS = "S-1-3-4"
# Everyone, Authenticated Users, Network: whoever signs in over the network.
_ALL = frozenset({"S-1-1-0", "S-1-5-11", "S-1-5-2"})
# Never in the token of a person who signs in over the network: nobody, local and console logon, the
# templates Creator Owner and Creator Group, batch, interactive, service, anonymous, remote
# interactive, and the machine's own accounts.
_NONE = frozenset(
    {
        "S-1-0-0", "S-1-2-0", "S-1-2-1", "S-1-3-0", "S-1-3-1", "S-1-5-3", "S-1-5-4", "S-1-5-6", "S-1-5-7",
        "S-1-5-14", "S-1-5-18", "S-1-5-19", "S-1-5-20",
    }
)  # fmt: skip
_BUILTIN = "S-1-5-32-"
_UNIX_USER, _UNIX_GROUP = "S-1-22-1-", "S-1-22-2-"


@dataclass(frozen=True, slots=True)
class Names:
    """Who stands behind a SID. `everyone` None: nobody has said whom Everyone on the server means here."""

    by_sid: Mapping[str, PrincipalRef] = field(default_factory=dict)
    everyone: PrincipalRef | None = None

    def of(self, sid: str) -> PrincipalRef | None:
        """The principal of a SID; None: not known."""
        if sid in self.by_sid:
            return self.by_sid[sid]
        if sid in _ALL:
            return self.everyone
        if sid.startswith(_BUILTIN):
            # The groups of each machine itself have the same SIDs on all machines, and other members.
            return group(sid)
        for prefix, scheme in ((_UNIX_USER, "uid"), (_UNIX_GROUP, "gid")):
            if sid.startswith(prefix):
                return in_directory(scheme, sid.removeprefix(prefix))
        return in_directory("sid", sid)


def clause_of(descriptor: Descriptor, names: Names) -> Clause:
    """Who may read, as one ordered clause."""
    if descriptor.has_policy:
        return Clause(())
    if descriptor.dacl is None:
        allowed = () if names.everyone is None else (Entry(allow=True, principal=names.everyone),)
        return Clause(allowed)
    entries: list[Entry] = []
    for ace in descriptor.dacl:
        entry = _entry(ace, descriptor.owner, names)
        if entry is not None:
            entries.append(entry)
            if entry.principal == EVERYONE:  # what follows decides for nobody any more
                break
    return Clause(tuple(dict.fromkeys(entries)))


def _entry(ace: Ace, owner: str, names: Names) -> Entry | None:
    """What the entry means for reading; None: nothing."""
    if ace.flags & _INHERIT_ONLY or ace.type in _SILENT:
        return None
    if ace.type not in (_ALLOW, _DENY, _ALLOW_IF, _DENY_IF):
        return Entry(allow=False, principal=EVERYONE)
    if not ace.mask & READ or ace.type == _ALLOW_IF:
        return None
    sid = owner if ace.sid == _OWNER_RIGHTS else ace.sid
    if sid in _NONE and sid not in names.by_sid:
        return None
    who = names.of(sid) if sid else None
    if ace.type == _ALLOW:
        return Entry(allow=True, principal=who) if who is not None else None
    return Entry(allow=False, principal=who if who is not None else EVERYONE)
