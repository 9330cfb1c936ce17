"""Which small pieces does a text consist of? Character and word n-grams as numbers, in one pass over arrays.

A piece of text becomes buckets: all runs of 2 to 5 characters (word boundaries count as a space) and all
runs of 1 to 3 words, each hashed into one of `BUCKETS` numbers. The hash is a polynomial modulo 2^64 that is
taken from prefix sums: the work grows with the length of the text only, and every machine gets the same
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.guardrails.checks.legible import legible

BITS = 16
BUCKETS = 1 << BITS
LONGEST_RUN = 5  # characters of the longest run
LONGEST_PHRASE = 3  # words of the longest run of words

Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_WORD_SALT = 7919  # a word is another feature than the same run of characters
_SEPARATOR = "\n"
_SPACE = re.compile(r"\s+")
_DIGITS = re.compile(r"\d")
_ADDRESS = re.compile(r"(https?://[^\s/)>\]]+)[^\s)>\]]*")
_REPEATED = re.compile(r"(\S)\1{3,}")
_SPELLED_OUT = re.compile(r"(?<!\w)\w(?: \w){4,}(?!\w)")
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Grams:
    """The buckets of several pieces: `bucket[i]` occurs in piece `piece[i]`, with the weight `share[i]`.

    The shares of a piece's character runs have the square sum 1 at most, and so have those of its words.
    """

    bucket: Numbers
    piece: Numbers
    share: NDArray[np.float64]


def folded(text: str) -> str:
    """The form in which pieces are compared: legible, lower case, digits alike, short repeats and links."""
    plain = _SPACE.sub(" ", legible(text).casefold()).strip()
    plain = _ADDRESS.sub(r"\1", plain)
    plain = _REPEATED.sub(r"\1\1\1", _DIGITS.sub("0", plain))
    return _SPELLED_OUT.sub(lambda found: found.group().replace(" ", ""), plain)


def grams(pieces: Sequence[str]) -> Grams:
    """The buckets of pieces that went through `folded()`."""
    joined = _SEPARATOR.join(f" {piece} " for piece in pieces)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    breaks = codes == ord(_SEPARATOR)
    owner = np.cumsum(breaks, dtype=np.int64)
    sums, inverse = _prefix_sums(codes)
    buckets: list[Numbers] = []
    owners: list[Numbers] = []
    shares: list[NDArray[np.float64]] = []

    def add(starts: Numbers, ends: Numbers, salts: Numbers) -> None:
        hashed = (sums[ends] - sums[starts]) * inverse[starts] + salts.astype(np.uint64)
        hashed = (hashed ^ (hashed >> np.uint64(29))) * _MIX
        buckets.append((hashed >> np.uint64(64 - BITS)).astype(np.int64))
        owners.append(owner[starts])
        counts = np.bincount(owner[starts], minlength=len(pieces))
        shares.append(1 / np.sqrt(counts[owner[starts]]))

    add(*_character_runs(breaks))
    words = _word_runs(joined, owner)
    if len(words[0]):
        add(*words)
    return Grams(np.concatenate(buckets), np.concatenate(owners), np.concatenate(shares))


def _prefix_sums(codes: Words) -> tuple[Words, Words]:
    """Sums of code times power up to each offset, and the inverse of each offset's power."""
    powers = np.full(len(codes) + 1, _BASE, dtype=np.uint64)
    inverse = np.full(len(codes) + 1, _INVERSE, dtype=np.uint64)
    powers[0] = inverse[0] = 1
    powers, inverse = np.cumprod(powers), np.cumprod(inverse)
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * powers[:-1], out=sums[1:])
    return sums, inverse


def _character_runs(breaks: NDArray[np.bool_]) -> tuple[Numbers, Numbers, Numbers]:
    """Starts, ends and salts of all runs that cross no break."""
    crossed = np.concatenate([[0], np.cumsum(breaks)])
    starts, ends = [], []
    for length in range(2, LONGEST_RUN + 1):
        if length > len(breaks):
            break
        start = np.arange(len(breaks) - length + 1)
        whole = crossed[start + length] == crossed[start]
        starts.append(start[whole])
        ends.append(start[whole] + length)
    start, end = np.concatenate(starts), np.concatenate(ends)
    return start, end, end - start


def _word_runs(joined: str, owner: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Starts, ends and salts of all runs of words within one piece."""
    spans = [found.span() for found in _WORD.finditer(joined)]
    if not spans:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    first, last = np.array(spans, dtype=np.int64).T
    starts, ends, salts = [], [], []
    for length in range(1, LONGEST_PHRASE + 1):
        start, end = first[: len(first) - length + 1], last[length - 1 :]
        whole = owner[start] == owner[end - 1]
        starts.append(start[whole])
        ends.append(end[whole])
        salts.append(np.full(int(whole.sum()), _WORD_SALT * length))
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(salts)
