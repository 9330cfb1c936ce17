"""The part of the SFTP protocol, version 3, that reading needs (draft-ietf-secsh-filexfer-02).

Names stay bytes: a server's names need not be UTF-8, and one that is not must not cost the
listing of its folder. One object serves one thread at a time.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from assistant.common.told import told

_VERSION = 3
_INIT, _VERSION_REPLY, _OPEN, _CLOSE, _READ, _LSTAT, _FSTAT, _OPENDIR, _READDIR, _REALPATH = (
    1, 2, 3, 4, 5, 7, 8, 11, 12, 16,
)  # fmt: skip
_STATUS, _HANDLE, _DATA, _NAME, _ATTRS = 101, 102, 103, 104, 105
_END_OF_FILE, NO_SUCH_FILE, PERMISSION_DENIED = 1, 2, 3
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 0x1, 0x2, 0x4, 0x8, 0x80000000
_OPEN_FOR_READING = 1
_MAX_PACKET = 1_000_000  # servers answer with at most 256 KiB
_BLOCK = 32_768  # the most that every server must give at once
_BLOCKS_AT_ONCE = 16
_MAX_ENTRIES = 1_000_000  # of one folder


class Stream(Protocol):
    """What an SSH channel gives."""

    def sendall(self, data: bytes, /) -> object:
        """Send all of it."""
        ...

    def recv(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


class Broken(Exception):
    """The server does not keep to the protocol, or hung up in the middle of an answer."""


class Refused(Exception):
    """The server answers a request with a status that is no success. `status` is its number."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TooLong(Exception):
    """The file has more bytes than were asked for."""


class Irregular(Exception):
    """What was opened is no plain file."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the server says of a file; None: it does not say. `modified` in seconds since 1970."""

    size: int | None
    owner: int | None
    group: int | None
    mode: int | None
    modified: int | None


class Sftp:
    """An SFTP session over a stream. Raises what the stream raises, `Broken`, and `Refused`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._next = 0
        self._write(struct.pack(">BI", _INIT, _VERSION))
        kind, answer = self._packet()
        if kind != _VERSION_REPLY or answer.number() < _VERSION:
            raise Broken(told("it speaks no SFTP of version 3"))

    def real_path(self, path: bytes) -> bytes:
        """The path without links, as far as the server resolves them."""
        names = self._names(self._ask(_REALPATH, _string(path)))
        if len(names) != 1:
            raise Broken(told("a path stands for more than one file"))
        return names[0][0]

    def status_of(self, path: bytes) -> Attributes:
        """The attributes of what lies at the path; of a link itself, not of its target."""
        return self._attributes(self._ask(_LSTAT, _string(path)))

    def listed(self, path: bytes) -> list[tuple[bytes, Attributes]]:
        """The folder's entries with their attributes, `.` and `..` left out."""
        found: list[tuple[bytes, Attributes]] = []
        with self._handle(_OPENDIR, _string(path)) as handle:
            while True:
                try:
                    names = self._names(self._ask(_READDIR, handle))
                except Refused as refused:
                    if refused.status == _END_OF_FILE:
                        return found
                    raise
                found += [entry for entry in names if entry[0] not in (b".", b"..")]
                if not names or len(found) > _MAX_ENTRIES:
                    raise Broken(told("its listing of a folder does not end"))

    def content(self, path: bytes, *, limit: int) -> bytes:
        """The bytes of a plain file.

        Raises:
            Irregular: it is a folder, a device or a pipe.
            TooLong: it has more than `limit` bytes.
        """
        asked = _string(path) + struct.pack(">II", _OPEN_FOR_READING, 0)
        with self._handle(_OPEN, asked) as handle:
            attributes = self._attributes(self._ask(_FSTAT, handle))
            if attributes.mode is not None and not stat.S_ISREG(attributes.mode):
                raise Irregular
            if (attributes.size or 0) > limit:
                raise TooLong
            blocks: list[bytes] = []
            offset = 0
            while more := self._blocks(handle, offset, limit + 1 - offset):
                blocks.append(more)
                offset += len(more)
                if offset > limit:
                    raise TooLong
            return b"".join(blocks)

    def _blocks(self, handle: bytes, offset: int, most: int) -> bytes:
        """What lies at `offset`, as far as several requests sent together give it without a gap."""
        wanted = range(offset, offset + min(most, _BLOCK * _BLOCKS_AT_ONCE), _BLOCK)
        sent = {self._send(_READ, handle + struct.pack(">QI", start, _BLOCK)): start for start in wanted}
        given: dict[int, bytes] = {}
        for _ in range(len(sent)):
            kind, answer = self._packet()
            start = sent.pop(answer.number(), None)
            if start is None:
                raise Broken(told("it answers what was not asked"))
            given[start] = self._data(kind, answer)
        whole = b""
        for start in wanted:
            whole += given[start]
            if len(given[start]) < _BLOCK:  # the end, or a gap before the next block
                break
        return whole

    def _data(self, kind: int, answer: _Reader) -> bytes:
        try:
            self._expect(_DATA, kind, answer)
        except Refused as refused:
            if refused.status == _END_OF_FILE:
                return b""
            raise
        data = answer.string()
        if not 0 < len(data) <= _BLOCK:
            raise Broken(told("it gives more or less than was asked"))
        return data

    @contextmanager
    def _handle(self, kind: int, body: bytes) -> Iterator[bytes]:
        handle = _string(self._expect(_HANDLE, *self._ask(kind, body)).string())
        yield handle
        self._ask(_CLOSE, handle)  # after an error the session is not used again, or the server closes it

    def _names(self, answer: tuple[int, _Reader]) -> list[tuple[bytes, Attributes]]:
        reader = self._expect(_NAME, *answer)
        found = []
        for _ in range(reader.number()):
            name = reader.string()
            reader.string()  # the line that `ls -l` would print
            found.append((name, reader.attributes()))
        return found

    def _attributes(self, answer: tuple[int, _Reader]) -> Attributes:
        return self._expect(_ATTRS, *answer).attributes()

    def _expect(self, wanted: int, kind: int, answer: _Reader) -> _Reader:
        if kind == wanted:
            return answer
        if kind == _STATUS:
            status = answer.number()
            raise Refused(
                status,
                answer.string().decode("utf-8", "replace")[:200] or told("status {status}", status=status),
            )
        raise Broken(told("it answers something else than was asked"))

    def _ask(self, kind: int, body: bytes) -> tuple[int, _Reader]:
        number = self._send(kind, body)
        answered, answer = self._packet()
        if answer.number() != number:
            raise Broken(told("it answers what was not asked"))
        return answered, answer

    def _send(self, kind: int, body: bytes) -> int:
        self._next = (self._next + 1) % 2**32
        self._write(struct.pack(">BI", kind, self._next) + body)
        return self._next

    def _write(self, packet: bytes) -> None:
        self._stream.sendall(struct.pack(">I", len(packet)) + packet)

    def _packet(self) -> tuple[int, _Reader]:
        length: int = struct.unpack(">I", self._exactly(4))[0]
        if not 1 <= length <= _MAX_PACKET:
            raise Broken(told("it sends a packet of an impossible length"))
        packet = self._exactly(length)
        return packet[0], _Reader(packet, 1)

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._stream.recv(size)
            if not part:
                raise Broken(told("it hung up"))
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class _Reader:
    """Takes values out of a packet, one after the other."""

    def __init__(self, packet: bytes, at: int) -> None:
        self._packet, self._at = packet, at

    def number(self) -> int:
        return int.from_bytes(self._take(4))

    def string(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> Attributes:
        flags = self.number()
        size = int.from_bytes(self._take(8)) if flags & _HAS_SIZE else None
        owner, group = (self.number(), self.number()) if flags & _HAS_OWNER else (None, None)
        mode = self.number() if flags & _HAS_MODE else None
        _read, modified = (self.number(), self.number()) if flags & _HAS_TIMES else (None, None)
        if flags & _HAS_MORE:
            for _ in range(2 * self.number()):
                self.string()
        return Attributes(size, owner, group, mode, modified)

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._packet):
            raise Broken(told("it sends a packet that was cut off"))
        taken, self._at = self._packet[self._at : end], end
        return taken


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
