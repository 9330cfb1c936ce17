"""Groups and people of a directory that other sources name.

A source may be joined to one directory (a source of kind `ldap`). What its access lists
call `group:directory:KEY` is the directory's group `KEY`, and nothing without a directory:
an unknown group lets nobody in, and a deny of one matches everyone. A directory reports
each group under every key by which a source could know it, and each person as a group of
one, so that an owner by number and a group by number are found the same way:

    cn:NAME   gid:NUMBER   sid:S-1-5-…   dn:DISTINGUISHED NAME      groups
    uid:NUMBER   sid:S-1-5-…   login:NAME   dn:DISTINGUISHED NAME   people
"""

from __future__ import annotations

from assistant.common.acl import PrincipalRef, group

PREFIX = "directory:"


def in_directory(scheme: str, value: str) -> PrincipalRef:
    """The principal that a directory reports as `scheme:value`, as another source names it.

    Raises:
        UsageError: the value is empty or too long.
    """
    return group(f"{PREFIX}{scheme}:{value}")
