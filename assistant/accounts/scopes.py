"""What may a key of the API be used for? What it was made for, and only what its owner may do.

A key's scopes stand in its row as words. A word that nobody knows (any more) opens nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Scope(StrEnum):
    """One kind of call."""

    SEARCH = "search"
    DOCUMENTS = "documents"  # read a document with its text
    ASK = "ask"
    PERMISSIONS = "permissions"  # the inspector; of use only to who may inspect permissions


def scopes_in(words: str) -> frozenset[Scope]:
    """The scopes that a row names."""
    return frozenset(Scope(word) for word in words.split() if word in set(Scope))


def words_of(scopes: Collection[Scope]) -> str:
    """What a row keeps of them."""
    return " ".join(sorted(set(scopes)))
