"""Content that was fetched and is not committed yet, kept on this machine.

A worker that is killed leaves it behind, so that whoever goes on with the run asks
the source for nothing twice. It is no truth: on another machine, or after somebody
emptied the folder, the content is simply fetched again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from connectors.sdk.contract import BytesContent, Content, FileContent, TextContent, Upsert

_TEXT, _BYTES = ".text", ".bytes"


def spool_of(run_id: int) -> Spool:
    """The spool of a run."""
    return _spool(str(run_id))


def spool_of_request() -> Spool:
    """A spool for what one request pushes, which no other one can take up."""
    return _spool(f"push-{uuid4().hex}")


def _spool(name: str) -> Spool:
    return Spool(settings.MUNDAP_SYNC_DIR / "spool" / name)


class Spool:
    """The folder of one run. Its methods may be called by several threads, also for one document."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> None:
        """Make the folder, readable by its owner only: it holds what not everybody may read."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def kept(self, upsert: Upsert) -> Content | None:
        """What was fetched for this version of the document before; None: nothing."""
        place = self._place(upsert)
        if (file := place.with_suffix(_BYTES)).is_file():
            return FileContent(file)
        try:
            return TextContent(place.with_suffix(_TEXT).read_text(encoding="utf-8"))
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def keep(self, upsert: Upsert, content: Content) -> Content:
        """Keep fetched content, whole or not at all. What lies on this machine anyway is left there."""
        match content:
            case FileContent():
                return content
            case BytesContent(data):
                return FileContent(self._write(upsert, data, _BYTES))
            case TextContent(text):
                self._write(upsert, text.encode("utf-8", "replace"), _TEXT)
                return content

    def has_lost(self, content: Content) -> bool:
        """Whether it was kept here and no longer is.

        A change feed may name a document twice: what was kept for both goes when the first one is committed.
        """
        return (
            isinstance(content, FileContent)
            and content.path.parent == self._folder
            and not content.path.exists()
        )

    def forget(self, upserts: Iterable[Upsert]) -> None:
        """These are committed."""
        for upsert in upserts:
            place = self._place(upsert)
            for suffix in (_BYTES, _TEXT):
                place.with_suffix(suffix).unlink(missing_ok=True)

    def clear(self) -> None:
        """The run or the request has ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self, upsert: Upsert) -> Path:
        named = f"{upsert.external_id}\0{upsert.version}".encode("utf-8", "surrogatepass")
        return self._folder / hashlib.sha256(named).hexdigest()

    def _write(self, upsert: Upsert, data: bytes, suffix: str) -> Path:
        file = self._place(upsert).with_suffix(suffix)
        draft = file.with_suffix(f".{threading.get_ident()}.part")
        draft.write_bytes(data)
        os.replace(draft, file)  # noqa: PTH105 - names the atomic call
        return file
