"""The body of an answer without its content coding, in bounded pieces.

A small body may unfold into a large one, so a piece is at most 1 MiB and the reader
may stop after any of them. A body that ends before its coding does was cut off.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from assistant.common.told import told

ACCEPTED = "gzip, deflate"
_PIECE_BYTES = 1_048_576
_MOST_LAYERS = 2
_GZIP_START = 0x1F
_GZIP_BITS, _ZLIB_BITS = zlib.MAX_WBITS | 16, zlib.MAX_WBITS
_BITS = {"gzip": _GZIP_BITS, "x-gzip": _GZIP_BITS, "deflate": _ZLIB_BITS}


class BrokenCoding(ValueError):
    """The body is cut off, damaged, or coded in a way that was not asked for."""


def decoded(blocks: Iterator[bytes], codings: str) -> Iterator[bytes]:
    """The plain bytes of `blocks`; `codings` is the value of Content-Encoding.

    Raises:
        BrokenCoding: see there.
    """
    names = [name for part in codings.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(names) > _MOST_LAYERS or not set(names) <= set(_BITS):
        raise BrokenCoding(told("its content is coded as '{codings}'", codings=codings[:80]))
    for name in reversed(names):
        blocks = _inflated(blocks, _BITS[name])
    return blocks


def _inflated(blocks: Iterator[bytes], bits: int) -> Iterator[bytes]:
    """A gzip body may be several members in a row; what follows the last one is padding."""
    inflater = None
    members = 0
    for block in blocks:
        rest = block
        while rest:
            if inflater is None:
                if members and (bits != _GZIP_BITS or rest[0] != _GZIP_START):
                    break
                inflater = zlib.decompressobj(_bits_of(rest, bits))
            more = True
            while more:
                piece = _unfolded(inflater, rest)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                more = not inflater.eof and (bool(rest) or len(piece) == _PIECE_BYTES)
                yield piece
            if inflater.eof:
                members += 1
                inflater = None
    if inflater is not None:
        raise BrokenCoding(told("its answer breaks off"))


def _unfolded(inflater: zlib._Decompress, data: bytes) -> bytes:
    try:
        return inflater.decompress(data, _PIECE_BYTES)
    except zlib.error as error:
        raise BrokenCoding(told("its answer is damaged")) from error


def _bits_of(start: bytes, bits: int) -> int:
    """Some servers call a bare deflate stream "deflate", without the zlib header it should have."""
    has_header = start[0] & 0x0F == zlib.DEFLATED and (len(start) == 1 or int.from_bytes(start[:2]) % 31 == 0)
    return bits if bits == _GZIP_BITS or has_header else -zlib.MAX_WBITS
