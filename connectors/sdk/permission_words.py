"""Does a key that we do not know mean to grant or to forbid?

An unknown key is ignored, unless it could be somebody's way to write a
permission: ignoring that would show a document more widely than was meant.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    {
        "acl", "acls", "permission", "permissions", "allow", "allowed", "allows", "deny", "denied", "denies",
        "access", "audience", "visibility", "readers", "viewers", "principal", "principals", "restricted",
        "restrictions", "group", "groups", "members", "grants", "entries", "all",
        "권한", "접근권한", "공개범위",
    }
)  # fmt: skip
_RUNS = ("accesscontrol", "permission", "allowedusers", "allowedgroups")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[가-힣]+")


def sounds_like_permission(key: str) -> bool:
    """Whether `key` has a word of permissions in it, in any of the usual spellings."""
    if {part.lower() for part in _PART.findall(key)} & _WORDS:
        return True
    joined = re.sub(r"[^a-z]", "", key.lower())
    return joined in _WORDS or any(run in joined for run in _RUNS)
