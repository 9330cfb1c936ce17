"""The server's side of RFC 6455 as far as Socket Mode needs it: text, ping, pong and close."""

from __future__ import annotations

import base64
import hashlib
import struct
from enum import IntEnum
from io import BufferedIOBase
from typing import Final

MAGIC: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SHORT, MEDIUM, LONG = 125, 126, 127
MOST_BYTES: Final = 8 * 1024 * 1024


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Broken(Exception):
    """The connection ended, or what came is no frame that a client may send."""


def accept(key: str) -> str:
    """The value of `Sec-WebSocket-Accept` for a client's key."""
    return base64.b64encode(hashlib.sha1(f"{key}{MAGIC}".encode()).digest()).decode()


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole frame from the server: never masked."""
    head = bytes([0x80 | opcode])
    size = len(payload)
    if size <= SHORT:
        head += bytes([size])
    elif size <= 0xFFFF:
        head += struct.pack("!BH", MEDIUM, size)
    else:
        head += struct.pack("!BQ", LONG, size)
    return head + payload


def read_message(stream: BufferedIOBase) -> tuple[Opcode, bytes]:
    """The next message of a client, its pieces joined. Control frames come whole. Raises `Broken`."""
    joined, kind = b"", Opcode.TEXT
    while True:
        final, opcode, payload = _read_frame(stream)
        if opcode >= Opcode.CLOSE:
            return opcode, payload
        if opcode is not Opcode.CONTINUATION:
            joined, kind = b"", opcode
        joined += payload
        if len(joined) > MOST_BYTES:
            raise Broken("too long")
        if final:
            return kind, joined


def _read_frame(stream: BufferedIOBase) -> tuple[bool, Opcode, bytes]:
    first, second = _exactly(stream, 2)
    if first & 0x70:
        raise Broken("reserved bits are set")
    if not second & 0x80:
        raise Broken("a client's frame is masked")
    size = second & 0x7F
    if size == MEDIUM:
        (size,) = struct.unpack("!H", _exactly(stream, 2))
    elif size == LONG:
        (size,) = struct.unpack("!Q", _exactly(stream, 8))
    if size > MOST_BYTES:
        raise Broken("too long")
    mask = _exactly(stream, 4)
    masked = _exactly(stream, size)
    try:
        opcode = Opcode(first & 0x0F)
    except ValueError as error:
        raise Broken("unknown opcode") from error
    return bool(first & 0x80), opcode, bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    try:
        data = stream.read(size) if size else b""
    except (OSError, ValueError) as error:
        raise Broken("connection lost") from error
    if len(data) < size:
        raise Broken("connection ended")
    return data
