"""What a hostile or broken SFTP server may send, byte by byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.sftp.wire import Attributes, Broken, Irregular, Refused, Sftp, TooLong

VERSION = b"\x02\x00\x00\x00\x03"


def packet(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


class Scripted:
    """Says what it was told to say, whatever it is asked, and then hangs up."""

    def __init__(self, *bodies: bytes, raw: bytes = b"") -> None:
        self.left = memoryview(b"".join(map(packet, bodies)) + raw)
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, size: int) -> bytes:
        size = min(size, 997)  # an answer may come in pieces of any length
        given, self.left = self.left[:size], self.left[size:]
        return bytes(given)


def answer(kind: int, number: int, body: bytes) -> bytes:
    return struct.pack(">BI", kind, number) + body


HANDLE = answer(102, 1, text(b"h"))
REGULAR = answer(105, 2, struct.pack(">IQI", 0x5, 4, 0o100644))


def test_a_listing_is_read_with_names_as_bytes_and_what_is_known_of_them() -> None:
    attributes = struct.pack(">IQIIIII", 0x0F, 4, 1, 2, 0o100644, 5, 6)
    more = struct.pack(">II", 0x80000000, 1) + text(b"a@b") + text(b"c")
    entries = [
        text(b".") + text(b"") + struct.pack(">I", 0),
        text(b"\xff") + text(b"ls") + attributes,
        text(b"x") + text(b"") + more,
    ]
    names = struct.pack(">I", 3) + b"".join(entries)
    end = answer(101, 3, struct.pack(">I", 1) + text(b"") + text(b""))
    done = answer(101, 4, struct.pack(">I", 0) + text(b"") + text(b""))
    sftp = Sftp(Scripted(VERSION, HANDLE, answer(104, 2, names), end, done))
    assert sftp.listed(b"/") == [
        (b"\xff", Attributes(4, 1, 2, 0o100644, 6)),
        (b"x", Attributes(None, None, None, None, None)),
    ]


@pytest.mark.parametrize(
    "stream",
    [
        Scripted(),
        Scripted(b"\x02\x00\x00\x00\x02"),
        Scripted(VERSION, raw=b"\xff\xff\xff\xff"),
        Scripted(VERSION, raw=b"\x00\x00\x00\x00"),
        Scripted(VERSION, answer(102, 9, text(b"h"))),
        Scripted(VERSION, answer(104, 1, b"")),
        Scripted(VERSION, HANDLE, answer(104, 2, struct.pack(">I", 5) + text(b"cut"))),
        Scripted(VERSION, HANDLE, answer(104, 2, struct.pack(">I", 0))),
        Scripted(VERSION, HANDLE, answer(102, 2, text(b"h"))),
        Scripted(VERSION, answer(102, 1, b"\xff\xff\xff\xffh")),
    ],
    ids=["silent", "old", "huge", "nothing", "number", "kind", "cut", "endless", "twice", "length"],
)
def test_a_server_that_does_not_keep_to_the_protocol_is_noticed(stream: Scripted) -> None:
    with pytest.raises(Broken):
        Sftp(stream).listed(b"/")


@given(st.binary(max_size=80))
def test_arbitrary_answers_end_in_an_error_and_not_in_a_loop(raw: bytes) -> None:
    with pytest.raises((Broken, Refused)):
        Sftp(Scripted(VERSION, raw=raw)).listed(b"/")


def test_a_refusal_says_why() -> None:
    refusal = answer(101, 1, struct.pack(">I", 3) + text(b"Permission denied") + text(b""))
    with pytest.raises(Refused, match="Permission denied") as refused:
        Sftp(Scripted(VERSION, refusal)).status_of(b"/")
    assert refused.value.status == 3


def test_blocks_that_come_out_of_order_or_short_are_put_together_right() -> None:
    end = struct.pack(">I", 1) + text(b"") + text(b"")
    first = [answer(103, n, text(bytes([n]) * 32_768)) for n in (4, 3)]
    first += [answer(103, 5, text(b"short"))]
    first += [answer(103, n, text(bytes([n]) * 32_768)) for n in range(6, 19)]
    second = [answer(103, 19, text(b"tail"))]
    second += [answer(101, n, end) for n in range(20, 35)]
    third = [answer(101, n, end) for n in range(35, 51)]
    done = answer(101, 51, struct.pack(">I", 0) + text(b"") + text(b""))
    sftp = Sftp(Scripted(VERSION, HANDLE, REGULAR, *first, *second, *third, done))
    data = sftp.content(b"/f", limit=1_000_000)
    assert data == b"\x03" * 32_768 + b"\x04" * 32_768 + b"short" + b"tail"


def test_a_file_that_gives_more_than_it_says_is_cut_off_at_the_limit() -> None:
    blocks = [answer(103, n, text(b"x" * 32_768)) for n in range(3, 5)]
    with pytest.raises(TooLong):
        Sftp(Scripted(VERSION, HANDLE, REGULAR, *blocks)).content(b"/f", limit=40_000)
    with pytest.raises(TooLong):
        Sftp(Scripted(VERSION, HANDLE, REGULAR)).content(b"/f", limit=3)
    with pytest.raises(Broken):
        Sftp(Scripted(VERSION, HANDLE, REGULAR, answer(103, 3, text(b"x" * 32_769)))).content(
            b"/f", limit=100
        )


def test_what_is_no_plain_file_is_not_read() -> None:
    pipe = answer(105, 2, struct.pack(">II", 0x4, 0o010644))
    with pytest.raises(Irregular):
        Sftp(Scripted(VERSION, HANDLE, pipe)).content(b"/f", limit=100)
