"""Texts as the numbers of a unigram model's pieces (Kudo, 2018), by the sentencepiece library.

The library reads a model as a message of its own form (`sentencepiece_model.proto`), which is made here of
the vocabulary. Loaded so, 250,000 pieces take some 45 MB and a passage 40 microseconds; the tokenizers
library takes over 200 MB and forty times as long for the same pieces. What a text says is never taken for a
mark of the model: pieces such as "</s>" are no words to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from assistant.providers.packed_model import Bytes, Vocabulary

# Numbers of the message's fields with their kinds of value, one byte each.
_PIECE, _TEXT, _SCORE, _KIND = 0x0A, 0x0A, 0x15, 0x18
_HEAD, _TAIL, _MARKED = 4, 5, 2  # bytes before the text, after it, and more of a piece that is no text
_UNKNOWN, _CONTROL = 2, 3
_MORE = 0x80  # the bit that says that another byte follows
_LONGEST = 100  # bytes of a piece, so that each length is one byte
_IDENTITY = b"\x0a\x08identity\x18\x01\x20\x01\x28\x01"  # a space in front, single spaces, spaces as marks

# What the model's own preparation drops, and what it makes a space of (the others, NFKC settles).
_DROPPED = re.compile(r"[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_SPACES = re.compile(r"[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]")


class Pieces:
    """Cuts texts into pieces. Threads may share it."""

    def __init__(self, vocabulary: Vocabulary, *, most: int) -> None:
        """`most`: pieces of a text with the two marks around it; what stands behind them is not read.

        Raises:
            ValueError: the pieces are not what they were expected to be.
        """
        self._begin, self._end, self._most = vocabulary.begin, vocabulary.end, most
        self._model = SentencePieceProcessor(model_proto=_message(vocabulary))

    def ids(self, text: str) -> list[int]:
        """The numbers of the text's pieces between the marks of its begin and end."""
        prepared = unicodedata.normalize("NFKC", _SPACES.sub(" ", _DROPPED.sub("", text)))
        found: list[int] = self._model.encode(prepared)
        return [self._begin, *found[: self._most - 2], self._end]

    def many(self, texts: Sequence[str]) -> list[list[int]]:
        """`ids` of each."""
        return [self.ids(text) for text in texts]


def _message(vocabulary: Vocabulary) -> bytes:
    """The vocabulary as sentencepiece reads it. Without a loop: 250,000 pieces would take a second."""
    lengths = np.diff(vocabulary.begins).astype(np.int64)
    if not 0 < lengths.min() <= lengths.max() <= _LONGEST:
        raise ValueError("A piece of the vocabulary is empty or too long.")
    # What is no text has no probability, and says 0 in its place.
    kinds = np.where(vocabulary.scores == 0, _CONTROL, 0).astype(np.uint8)
    kinds[vocabulary.unknown] = _UNKNOWN
    inner = lengths + _HEAD - 2 + _TAIL + _MARKED * (kinds > 0)
    begins = np.cumsum(inner + 2) - (inner + 2)
    out: Bytes = np.empty(int((inner + 2).sum()), np.uint8)
    is_text = np.ones(len(out), bool)

    def put(places: NDArray[np.int64], values: NDArray[Any] | int) -> None:
        out[places] = values
        is_text[places] = False

    put(begins, _PIECE)
    put(begins + 1, inner)
    put(begins + 2, _TEXT)
    put(begins + 3, lengths)
    tails = begins + _HEAD + lengths
    put(tails, _SCORE)
    scores = vocabulary.scores.astype("<f4").view(np.uint8).reshape(-1, 4)
    for byte in range(4):
        put(tails + 1 + byte, scores[:, byte])
    marked = np.flatnonzero(kinds)
    put(tails[marked] + _TAIL, _KIND)
    put(tails[marked] + _TAIL + 1, kinds[marked])
    out[is_text] = vocabulary.text
    return bytes(out) + _field(2, _trainer(vocabulary)) + _field(3, _IDENTITY)


def _trainer(vocabulary: Vocabulary) -> bytes:
    """A unigram model, and the numbers of the pieces that are no text."""
    numbers = {3: 1, 40: vocabulary.unknown, 41: vocabulary.begin, 42: vocabulary.end, 43: vocabulary.padding}
    return b"".join(_varint(field << 3) + _varint(value) for field, value in numbers.items())


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A number as the message has it: seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= _MORE:
        out.append(value % _MORE | _MORE)
        value //= _MORE
    out.append(value)
    return bytes(out)
