"""The permissions of the share itself, beside those of its files: MS-SRVS NetrShareGetInfo, level 502.

Whoever reads a file over the network must be let in by both. The server tells them to
administrators (Windows) or to everybody (Samba).
"""

from __future__ import annotations

import struct
import uuid

from assistant.common.told import told
from connectors.sources.smb.share import Share

_PIPE = "srvsvc"
_OPNUM = 16
_LEVEL = 502
_BIND, _REQUEST, _RESPONSE, _BIND_ACK = 11, 0, 2, 12
_WHOLE = 0x03  # first and last fragment
_LAST = 0x02
_FRAGMENT = 4280
_HEADER = struct.Struct("<BBBB4sHHI")
_SRVSVC = uuid.UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188").bytes_le + struct.pack("<HH", 3, 0)
_NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<I", 2)
_MOST_DESCRIPTOR_BYTES = 65_536


class NotTold(Exception):
    """The server does not tell the share's permissions; says why."""


def share_descriptor(share: Share, server: str, name: str) -> bytes:
    """The security descriptor of the share.

    Raises:
        NotTold: the account may not ask, or the answer is not understood.
        Refused, ConnectorError: see `Share.converse`.
    """
    answers = share.converse(_PIPE, [_bind(), _request(server, name)], enough=_is_whole)
    try:
        if _HEADER.unpack_from(answers[0])[2] != _BIND_ACK:
            raise NotTold(told("the server has no service for shares"))
        return _descriptor_in(_body(answers[1]))
    except (struct.error, IndexError) as error:
        raise NotTold(told("the answer is cut short")) from error


def _is_whole(answer: bytes) -> bool:
    """Whether the answer holds its last fragment to its end."""
    at = 0
    while at + _HEADER.size <= len(answer):
        _, _, _, flags, _, length, _, _ = _HEADER.unpack_from(answer, at)
        at += max(int(length), _HEADER.size)
        if flags & _LAST:
            return at <= len(answer)
    return False


def _packet(kind: int, body: bytes, call: int) -> bytes:
    return _HEADER.pack(5, 0, kind, _WHOLE, b"\x10\x00\x00\x00", _HEADER.size + len(body), 0, call) + body


def _bind() -> bytes:
    context = struct.pack("<HBB", 0, 1, 0) + _SRVSVC + _NDR
    return _packet(_BIND, struct.pack("<HHIBBH", _FRAGMENT, _FRAGMENT, 0, 1, 0, 0) + context, 1)


def _request(server: str, name: str) -> bytes:
    stub = struct.pack("<I", 0x20000) + _string(f"\\\\{server}") + _string(name) + struct.pack("<I", _LEVEL)
    return _packet(_REQUEST, struct.pack("<IHH", len(stub), 0, _OPNUM) + stub, 2)


def _string(text: str) -> bytes:
    """A conformant and varying string of NDR, filled up to four bytes."""
    data = (text + "\0").encode("utf-16-le")
    count = len(data) // 2
    return struct.pack("<III", count, 0, count) + data + b"\0" * (-len(data) % 4)


def _body(answer: bytes) -> bytes:
    """The fragments' contents together, without their heads of 24 bytes."""
    body, at = b"", 0
    while at < len(answer):
        _, _, kind, flags, _, length, _, _ = _HEADER.unpack_from(answer, at)
        if kind != _RESPONSE:
            raise NotTold(told("the server refuses the question"))
        body += answer[at + 24 : at + length]
        at += max(length, _HEADER.size)
        if flags & _LAST:
            break
    return body


def _descriptor_in(body: bytes) -> bytes:
    (code,) = struct.unpack_from("<I", body, len(body) - 4)
    if code != 0:
        raise NotTold(told("the server refuses with code {code}", code=code))
    level, pointer = struct.unpack_from("<II", body)
    if level != _LEVEL or not pointer:
        raise NotTold(told("the answer is of another kind"))
    name, _, remark, _, _, _, path, password, _, descriptor = struct.unpack_from("<10I", body, 8)
    if not descriptor:  # none at all, or none for this account: the two look alike
        raise NotTold(told("the server names none to this account"))
    at = 8 + 40
    for text in (name, remark, path, password):
        if text:
            (count,) = struct.unpack_from("<I", body, at + 8)
            at += 12 + 2 * count
            at += -at % 4
    (size,) = struct.unpack_from("<I", body, at)
    if size > _MOST_DESCRIPTOR_BYTES or at + 4 + size > len(body):
        raise NotTold(told("the answer is cut short"))
    return body[at + 4 : at + 4 + size]
