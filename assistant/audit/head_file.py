"""Beside the database: a file that remembers the newest entry that this host has numbered.

Somebody who cuts off the newest entries can also set the head in the database back. This file they
cannot reach with the database alone, and without the key nobody can write another one.
"""

from __future__ import annotations

import fcntl
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from assistant.audit.chain import ChainKey, Head, is_own_head

_LOG = logging.getLogger(__name__)


class HeadFileChanged(ValueError):
    """The file is there and is not one that the program wrote."""


def remembered(by: Sequence[ChainKey]) -> Head | None:
    """The head that the file holds; None where there is no file, or only an empty one after a power cut.

    Raises:
        HeadFileChanged: it was not written under one of the keys `by`.
    """
    try:
        text = _file().read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HeadFileChanged(str(error)) from error
    if not text:
        return None
    try:
        held = json.loads(text)
        head = Head(int(held["number"]), str(held["digest"]), str(held["mac"]))
    except (ValueError, KeyError, TypeError) as error:
        raise HeadFileChanged("not a head") from error
    if not is_own_head(head, by):
        raise HeadFileChanged("another key")
    return head


def remember(head: Head, by: Sequence[ChainKey]) -> None:
    """Write the head down, unless the file knows a later one. A failure is logged: recording goes on."""
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (file.parent / "head.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                known = remembered(by)
            except HeadFileChanged:
                return  # stays as it is, for `audit verify` to tell
            if known is not None and known.number >= head.number:
                return
            draft = file.with_name("head.unfinished")
            held = {"number": head.number, "digest": head.digest, "mac": head.mac}
            draft.write_text(json.dumps(held), encoding="ascii")
            draft.replace(file)
    except OSError as error:
        _LOG.warning("The head of the audit log could not be written to %s: %s", file, error)


def _file() -> Path:
    return Path(settings.MUNDAP_AUDIT_DIR) / "head.json"
