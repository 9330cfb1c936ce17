"""The values of an attribute that a directory hands out in slices.

Active Directory answers with `member;range=0-1499` where a group has more members than it
gives at once; the rest has to be asked for until a slice says that it is the last (`-*`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.common.told import told
from connectors.sources.ldap.session import Entry, Incomplete

_MOST_SLICES = 10_000


def whole(entry: Entry, name: str, ask: Callable[[str], Entry]) -> tuple[bytes, ...]:
    """All values of the attribute `name`; `ask` reads one attribute of the entry again.

    Raises:
        Incomplete: a slice does not go on where the last one ended.
    """
    sliced = re.compile(rf"{re.escape(name.lower())};range=(\d+)-(\d+|\*)")
    values = list(entry.attributes.get(name.lower(), ()))
    for _ in range(_MOST_SLICES):
        found = [(match, found) for found in entry.attributes if (match := sliced.fullmatch(found))]
        if not found:
            return tuple(values)
        match, attribute = found[0]
        if int(match[1]) != len(values):
            break
        values.extend(entry.attributes[attribute])
        if match[2] == "*":
            return tuple(values)
        if int(match[2]) + 1 != len(values):
            break
        entry = ask(f"{name};range={len(values)}-*")
        if not any(map(sliced.fullmatch, entry.attributes)):
            break
    raise Incomplete(told("The members of '{dn}' did not come whole. Sync again.", dn=entry.dn))
