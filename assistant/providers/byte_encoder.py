"""The bundled model's forward pass in products of bytes, for processors that multiply bytes fastest.

The weights are rounded to bytes when they are loaded: each output has a scale of its own. What the inputs of
a linear map usually are, and which of their components far exceed the others, is seen from a float32 pass
over two sentences; the rounding does not have to cover either. Torch is not imported.
"""

from __future__ import annotations

import math
import queue
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from assistant.providers import byte_kernels
from assistant.providers.byte_layout import APART, BLOCK, PANEL, ROWS, Linear, Model, Norm, Scratch
from assistant.providers.byte_tiles import able
from assistant.providers.contract import Vectors
from assistant.providers.float_pass import AGREEMENT, HEADS, PROBES, Floats, Weights, layers_of, vector_of
from assistant.providers.packed_model import PackedModel
from assistant.providers.pieces import Pieces

OTHERS = (
    "Error E-4012: the certificate has expired. Renew it with `certctl renew --all` and restart.",
    "천만 원이 넘는 계약에는 누가 서명할 수 있나요?",
)

_LINE = 64  # bytes of a line of the cache
_FOUR = 4  # bytes to a word
_HIGHEST = 127
_OFFSET = 16  # floats, so that rows do not meet in one set of the first-level cache

Kind = TypeVar("Kind", np.float32, np.int32, np.uint8)


def load_byte_encoder(model: PackedModel) -> ByteEncoder | None:
    """The encoder, or none where the processor lacks the instruction or rounding moves vectors too far.

    Raises:
        ValueError: the weights are not those of such a model.
    """
    if not able():
        return None
    weights = model.weights()
    # The products of a sentence are small: two threads would wait for each other thirty times as long.
    with threadpool_limits(1, "blas"):
        encoder = ByteEncoder(model, weights)
        try:
            agrees = encoder.agrees_with(weights)
        except (NumbaError, RuntimeError):  # a code generator of another release, which the loops are not for
            return None
    return encoder if agrees else None


class ByteEncoder:
    """Turns texts into unit vectors. Threads may share it: each call takes a scratch of its own."""

    precision = "bytes"

    def __init__(self, model: PackedModel, weights: Weights) -> None:
        """Round and lay out the `weights` of the model, which are not kept: about a second.

        Raises:
            ValueError: the weights or the vocabulary are not those of such a model.
        """
        self._packed = model
        self._pieces = Pieces(model.vocabulary, most=model.places)
        seen: dict[str, list[Floats]] = {}
        self._expected = [vector_of(weights, self._words(text), seen) for text in PROBES]
        self._model = _rounded(weights, seen, model.places)
        self._free: queue.SimpleQueue[Scratch] = queue.SimpleQueue()

    def agrees_with(self, weights: Weights) -> bool:
        """Whether the vectors of a few sentences lie within AGREEMENT of those in float32."""
        expected = [*self._expected, *(vector_of(weights, self._words(text)) for text in OTHERS)]
        cosines = (self.encode((*PROBES, *OTHERS)) * np.vstack(expected)).sum(axis=1)
        return bool((cosines >= AGREEMENT).all())

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> Vectors:
        """One unit row (float32) a text, in the order given: shape (len, width).

        `threads` texts are computed at once. A text's row is the same to the last bit in any company.
        """
        rows = np.empty((len(texts), self._packed.width), dtype=np.float32)
        tokens = self._pieces.many(texts)

        def fill(which: int) -> None:
            rows[which] = self._vector(tokens[which])

        if threads > 1 and len(texts) > 1:
            # The longest first, so that threads end at about the same time.
            order = sorted(range(len(texts)), key=lambda i: -len(tokens[i]))
            with ThreadPoolExecutor(min(threads, len(texts))) as pool:
                for _ in pool.map(fill, order):
                    pass
        else:
            for which in range(len(texts)):
                fill(which)
        return rows

    def _words(self, text: str) -> Floats:
        return self._packed.words(self._pieces.ids(text))

    def _vector(self, ids: list[int]) -> Floats:
        vector = np.empty(self._packed.width, np.float32)
        try:
            scratch = self._free.get_nowait()
        except queue.Empty:
            scratch = _scratch(self._packed.places, self._packed.width)
        try:
            scratch.states[: len(ids)] = self._packed.words(ids)
            byte_kernels.encode(len(ids), self._model, scratch, vector)
        finally:
            self._free.put(scratch)
        return vector


def _rounded(weights: Weights, seen: dict[str, list[Floats]], most: int) -> Model:
    """The weights as the kernels want them, rounded for inputs like those `seen` by each linear map."""
    layers = layers_of(weights)

    def linear(name: str) -> Linear:
        return _stacked(
            _byte_linear(
                weights[f"{own}{name}.weight"], weights[f"{own}{name}.bias"], np.vstack(seen[f"{own}{name}"])
            )
            for own in layers
        )

    def norm(name: str) -> Norm:
        return Norm(
            np.stack([weights[f"{own}{name}.weight"] for own in layers]),
            np.stack([weights[f"{own}{name}.bias"] for own in layers]),
        )

    first = "embeddings."
    return Model(
        places=weights[f"{first}position_embeddings.weight"][:most]
        + weights[f"{first}token_type_embeddings.weight"][0],
        first_norm=Norm(
            weights[f"{first}LayerNorm.weight"][None].copy(), weights[f"{first}LayerNorm.bias"][None].copy()
        ),
        queries_keys_values=_stacked(_joined(weights, own, seen) for own in layers),
        mix=linear("attention.output.dense"),
        mix_norm=norm("attention.output.LayerNorm"),
        widen=linear("intermediate.dense"),
        narrow=linear("output.dense"),
        narrow_norm=norm("output.LayerNorm"),
    )


def _joined(weights: Weights, own: str, seen: dict[str, list[Floats]]) -> Linear:
    """The three maps that look at the same input in one, the queries' scaled for the products with keys."""
    names = [f"{own}attention.self.{kind}" for kind in ("query", "key", "value")]
    scales = (1 / math.sqrt(weights[f"{names[0]}.weight"].shape[0] // HEADS), 1.0, 1.0)
    weight = np.vstack([weights[f"{n}.weight"] * np.float32(s) for n, s in zip(names, scales, strict=True)])
    bias = np.hstack([weights[f"{n}.bias"] * np.float32(s) for n, s in zip(names, scales, strict=True)])
    return _byte_linear(weight, bias, np.vstack(seen[names[0]]))


def _byte_linear(weight: Floats, bias: Floats, inputs: Floats) -> Linear:
    """Round weight (out, in) to bytes, for inputs (tokens, in) like these. Without the axis of layers."""
    # In thousandths, and its product in float64: the last bit of a sum may differ from process to process.
    usual = inputs.mean(axis=0).round(3)
    apart = np.sort(np.argsort(-np.abs(inputs - usual).max(axis=0), kind="stable")[:APART])
    rest = weight.copy()
    rest[:, apart] = 0
    scales = np.abs(rest).max(axis=1) / _HIGHEST
    codes = np.rint(rest / scales[:, None]).astype(np.int8)
    outputs = np.vstack(
        [
            scales,
            codes.sum(axis=1, dtype=np.int64) * scales,
            bias + weight.astype(np.float64) @ usual,
            weight[:, apart].T,
        ]
    )
    return Linear(
        weights=_laid_out(codes),
        outputs=np.stack(np.split(outputs.astype(np.float32), len(weight) // PANEL, axis=1)),
        usual=usual,
        apart=apart,
    )


def _laid_out(codes: NDArray[np.int8]) -> NDArray[np.int32]:
    """Codes (out, in) as words (out / PANEL, in / 4 * PANEL): four inputs of an output to a word."""
    outputs, inputs = codes.shape
    panels = codes.reshape(outputs // PANEL, PANEL, inputs // _FOUR, _FOUR).swapaxes(1, 2)
    return np.ascontiguousarray(panels).view(np.int32).reshape(outputs // PANEL, -1)


def _stacked(layers: Iterable[Linear]) -> Linear:
    weights, outputs, usual, apart = (np.stack(parts) for parts in zip(*layers, strict=True))
    aligned = _empty(weights.shape, np.int32)
    aligned[...] = weights
    return Linear(aligned, outputs, usual, apart)


def _empty(shape: tuple[int, ...], kind: type[Kind]) -> NDArray[Kind]:
    """An uninitialised array that begins where a line of the cache does."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    room = np.empty(size + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    return room[start : start + size].view(kind).reshape(shape)


def _scratch(most: int, width: int) -> Scratch:
    """For texts of up to `most` pieces. Uninitialised: a call reads only what was written."""
    wide = 4 * width
    return Scratch(
        states=_empty((most, width), np.float32),
        heads=_empty((most, 3 * width), np.float32),
        seen=_empty((most, width), np.float32),
        wide=_empty((BLOCK, wide), np.float32),
        codes=_empty((most, wide), np.uint8),
        steps=_empty((most,), np.float32),
        lows=_empty((most,), np.float32),
        kept=_empty((most, APART), np.float32),
        row=_empty((wide,), np.float32),
        sums=_empty((ROWS * PANEL,), np.int32),
        scores=_empty((most, most + _OFFSET), np.float32),
        keys=_empty((width // HEADS, most + _OFFSET), np.float32),
        values=_empty((most, width // HEADS), np.float32),
    )
