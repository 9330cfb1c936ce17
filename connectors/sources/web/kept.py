"""Content that the crawl has read already, kept until the engine asks for it.

A page must be read to find its links, so its content is at hand before it is wanted. It
waits on disk, within bounds; what is not there any more is simply asked for again.
"""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

MOST_KEPT_BYTES = 500_000_000
_LEFT_BEHIND_S = 3_600.0


class Kept:
    """Files in one folder, each taken once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[Path, int] = {}
        self._kept_bytes = 0  # their sum: there may be a hundred thousand of them
        self._lock = threading.Lock()

    def keep(self, url: str, version: str, body: bytes) -> None:
        """Keep the content of this version, if there is room."""
        path = self._path(url, version)
        with self._lock:
            if self._kept_bytes + len(body) > MOST_KEPT_BYTES:
                return
            self._kept_bytes += len(body) - self._sizes.get(path, 0)
            self._sizes[path] = len(body)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        except OSError:  # a full disk only costs another request
            self._drop(path)

    def take(self, url: str, version: str) -> bytes | None:
        """The content of this version; None: it was not kept."""
        path = self._path(url, version)
        with self._lock:
            size = self._sizes.get(path)
        if size is None:
            return None
        try:
            body = path.read_bytes()
        except OSError:
            body = b""
        self._drop(path)
        return body if len(body) == size else None

    def sweep(self) -> None:
        """Delete what a killed process left behind."""
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if path not in self._sizes and time.time() - path.stat().st_mtime > _LEFT_BEHIND_S:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete what nobody asked for."""
        for path in list(self._sizes):
            self._drop(path)

    def _drop(self, path: Path) -> None:
        with self._lock:
            self._kept_bytes -= self._sizes.pop(path, 0)
        path.unlink(missing_ok=True)

    def _path(self, url: str, version: str) -> Path:
        return self._folder / hashlib.sha256(f"{url}\n{version}".encode()).hexdigest()
