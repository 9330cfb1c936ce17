"""Which keys the codes of the audit log may have been made with, and up to which entry.

The present key and those of `SECRET_KEY_FALLBACKS`, which are being replaced, come from the settings. Once
they are replaced, a row remembers each of them, sealed under the present key, with the number and the digest
of the last entry of its time. So the log stays verifiable without the old secret, and whoever learns the old
secret later can neither add to the log with it nor rewrite what stands before that entry.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

from django.conf import settings

from assistant.audit.chain import ChainKey, Head, key_of, own_key
from assistant.audit.models import FormerKey
from assistant.common.errors import MundapError
from assistant.common.sealing import seal, unseal

SEALED_FOR = "audit key"
_LOG = logging.getLogger(__name__)


def keys() -> tuple[ChainKey, ...]:
    """The present key, then those that may have been used before it."""
    former = {key.key: key for key, _ in _former()}
    given = [key_of(str(one)) for one in settings.SECRET_KEY_FALLBACKS]
    replaced = [ChainKey(key) for key in given if key not in former]
    return (ChainKey(own_key()), *replaced, *(key for key in former.values() if key.key != own_key()))


def heads_of_former_keys() -> list[Head]:
    """The last entry of each former key's time: it must be in the log as it was."""
    return [head for _, head in _former() if head.number]


def remember(secret: str, *, end: Head) -> bool:
    """Let the key of this secret count up to `end` and no further. False if that was done before."""
    key = key_of(secret)
    if key == own_key() or any(one.key == key for one, _ in _former()):
        return False
    held = json.dumps({"key": key.hex(), "until": end.number, "digest": end.digest})
    FormerKey.objects.create(sealed_key=seal(held, key=str(settings.SECRET_KEY), purpose=SEALED_FOR))
    return True


def _former() -> Iterator[tuple[ChainKey, Head]]:
    for row in FormerKey.objects.order_by("pk"):
        try:
            opened = unseal(
                bytes(row.sealed_key),
                key=str(settings.SECRET_KEY),
                older=settings.SECRET_KEY_FALLBACKS,
                purpose=SEALED_FOR,
            )
        except MundapError:  # what stands under it then counts as altered
            _LOG.warning("the former key %s of the audit log cannot be opened", row.pk)
            continue
        held = json.loads(opened)
        head = Head(int(held["until"]), str(held["digest"]))
        yield ChainKey(bytes.fromhex(held["key"]), head.number), head
