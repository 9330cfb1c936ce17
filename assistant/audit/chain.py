"""What one entry of the audit log is, and the two codes that hold it in its place.

Each entry carries a code over its own content (`mac`), made when it is recorded, and, made when it is
numbered, a code over number, the code before it and `mac` (`digest`). Both are HMAC-SHA-256 under a key
derived from the installation's key, so that somebody who can write to the database alone can make neither.
A key of before counts only up to the number at which it was replaced (`ChainKey.until`).

Where a person was erased, what an entry says is no longer what `mac` covers. Such an entry carries a code
over what it says now (`amended`); its `mac` and its place stay, so that the chain holds without the name.
"""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from assistant.common.types import Json

BEGINNING = "0" * 64  # what stands before the first entry
# Forms of the canonical content. The second one has a random word in it that is erased with a name: without
# it nobody can try names against the code, whichever key they hold.
_FORM, _SALTED_FORM = 1, 2


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored. `number` is None until it is part of the chain."""

    uid: str
    at: datetime
    event: str
    actor_id: int | None
    actor: str
    address: str
    via: str
    data: Mapping[str, Json]
    mac: str = ""
    number: int | None = None
    previous: str = ""
    digest: str = ""
    salt: str = ""
    amended: str = ""


@dataclass(frozen=True, slots=True)
class ChainKey:
    """A key of codes. `until`: the last number that it was used for; None while it is in use."""

    key: bytes
    until: int | None = None

    def may_hold(self, number: int) -> bool:
        """Whether it was in use for the entry of this number."""
        return self.until is None or number <= self.until


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain, as something outside the entries remembers it."""

    number: int
    digest: str
    mac: str = ""


def own_key() -> bytes:
    """The key that codes are made with now."""
    return key_of(str(settings.SECRET_KEY))


def key_of(secret: str) -> bytes:
    """The key of codes that an installation's secret key gives: 32 bytes."""
    return _derived(secret)


def content_code(entry: Entry, key: bytes) -> str:
    """The code over what the entry says: 64 hexadecimal digits."""
    return _code(key, b"entry\n" + _canonical(entry))


def link_code(number: int, previous: str, mac: str, key: bytes) -> str:
    """The code that binds an entry to its number and to the entry before it."""
    return _code(key, f"link\n{number}\n{previous}\n{mac}".encode())


def amended_code(entry: Entry, key: bytes) -> str:
    """The code over what an entry says since a person was erased from it."""
    return _code(key, b"amended\n" + entry.mac.encode() + b"\n" + _canonical(entry))


def is_intact(entry: Entry, by: Sequence[ChainKey]) -> bool:
    """Whether the content is what was recorded, or what was left of it where a person was erased.

    An entry without a number, and an amendment, must be of a key that is in use.
    """
    in_use = [one.key for one in by if one.until is None]
    if entry.amended:
        return any(
            hmac.compare_digest(amended_code(entry, key), entry.amended)
            for key in in_use
            if entry.amended.isascii() and entry.mac.isascii()
        )
    able = in_use if entry.number is None else [one.key for one in by]
    return any(
        hmac.compare_digest(content_code(entry, key), entry.mac) for key in able if entry.mac.isascii()
    )


def is_linked(entry: Entry, number: int, by: Sequence[ChainKey]) -> bool:
    """Whether the entry was numbered `number`, behind the entry that it names."""
    if not entry.digest.isascii():
        return False
    return any(
        hmac.compare_digest(link_code(number, entry.previous, entry.mac, one.key), entry.digest)
        for one in by
        if one.may_hold(number)
    )


def signed_head(number: int, digest: str, key: bytes) -> Head:
    """A head that cannot be made without the key."""
    return Head(number, digest, _code(key, f"head\n{number}\n{digest}".encode()))


def is_own_head(head: Head, by: Sequence[ChainKey]) -> bool:
    """Whether the program wrote this head."""
    if not head.mac.isascii():
        return False
    return any(
        hmac.compare_digest(signed_head(head.number, head.digest, one.key).mac, head.mac)
        for one in by
        if one.may_hold(head.number)
    )


def end_code(first: int, head: Head, key: bytes) -> str:
    """The code at the end of an exported file: which entry is its first, which its last."""
    return _code(key, f"export\n{first}\n{head.number}\n{head.digest}".encode())


def linked(entry: Entry, number: int, previous: str, key: bytes) -> Entry:
    """The entry at its place in the chain."""
    digest = link_code(number, previous, entry.mac, key)
    return replace(entry, number=number, previous=previous, digest=digest)


def settled(value: Json) -> Json:
    """The value as every database gives it back: whole floats as integers, no character that one refuses.

    Raises:
        ValueError: a number that JSON cannot hold.
    """
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("An audit entry holds finite numbers only.")
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {cleaned(str(name)): settled(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [settled(part) for part in value]
    return value


def cleaned(text: str) -> str:
    """The text without what PostgreSQL cannot store: NUL, and halves of characters."""
    text = str(text)
    if "\0" not in text and text.isascii():
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _canonical(entry: Entry) -> bytes:
    said: list[Json] = [
        _SALTED_FORM if entry.salt else _FORM,
        *([entry.salt] if entry.salt else []),
        entry.uid,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.event,
        entry.actor_id,
        entry.actor,
        entry.address,
        entry.via,
        settled(dict(entry.data)) if isinstance(entry.data, Mapping) else entry.data,
    ]
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _code(key: bytes, message: bytes) -> str:
    return hmac.digest(key, message, "sha256").hex()


@lru_cache(maxsize=8)
def _derived(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"mundap audit 1").derive(secret.encode())
