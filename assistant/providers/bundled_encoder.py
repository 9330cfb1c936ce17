"""The bundled model's forward pass by torch, for processors that `byte_encoder` is not for.

A BERT encoder (Devlin et al., 2019) with mean pooling (Reimers and Gurevych, 2019). Only texts
of exactly the same number of tokens share a pass, so no more than 15 positions a text are computed in vain,
and what a text's vector is does not depend on its neighbours (but for rounding). bfloat16 halves the time
where the processor multiplies it directly; sums along a row, norms and the vector itself stay float32.

Importing this module imports torch: import it where the model is loaded, not above.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from numpy.typing import NDArray
from torch import Tensor

from assistant.providers.contract import Vectors
from assistant.providers.float_pass import AGREEMENT, EPSILON, HEADS, PROBES, layers_of
from assistant.providers.packed_model import PackedModel
from assistant.providers.pieces import Pieces

Precision = Literal["float32", "bfloat16"]

TOKENS_A_PASS = (
    256  # one long text or several short ones: their intermediate values fit the second-level cache
)

# oneDNN compiles a kernel for each shape it meets, and forgets the oldest of a thousand: so few shapes.
_STEP = 16


class _Linear(Protocol):
    """A weight (out, in) and a bias (out), with or without GELU behind it."""

    def __call__(self, x: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class _Exact:
    """float32, on any processor."""

    weight: Tensor
    bias: Tensor
    gelu: bool

    def __call__(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self.bias)
        return F.gelu(y) if self.gelu else y


class _Packed:
    """bfloat16 by oneDNN's kernel: the weight laid out for it once, GELU applied while the sum is at hand.

    A tenth faster than `F.linear` and `F.gelu`. The two operators are those that torch's own compiler
    emits; should a release lack them, `load_encoder` takes float32.
    """

    def __init__(self, weight: Tensor, bias: Tensor, *, gelu: bool) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16(), TOKENS_A_PASS)
        self._bias = bias.bfloat16()
        self._behind: tuple[str, list[float], str] = ("gelu", [], "none") if gelu else ("none", [], "")

    def __call__(self, x: Tensor) -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, *self._behind)
        return y


@dataclass(frozen=True, slots=True)
class _Norm:
    """Scale and shift (width), float32."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.float(), self.weight.shape, self.weight, self.bias, EPSILON)


@dataclass(frozen=True, slots=True)
class _Layer:
    """`queries_keys_values` holds the three projections in one, the queries' scaled; `widen` ends in GELU."""

    queries_keys_values: _Linear
    mix: _Linear
    mix_norm: _Norm
    widen: _Linear
    narrow: _Linear
    narrow_norm: _Norm


def fast_precision() -> Precision:
    """bfloat16 where the processor has instructions for it (AVX512-BF16 or AMX), else float32."""
    able = torch.cpu.get_capabilities()
    return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else "float32"


def load_encoder(model: PackedModel) -> BundledEncoder:
    """The encoder of this machine: the fast precision where it agrees with float32, else float32.

    Raises:
        ValueError: the weights are not those of such a model.
    """
    exact = BundledEncoder(model, precision="float32")
    if fast_precision() == "float32":
        return exact
    try:
        fast = BundledEncoder(model, precision=fast_precision())
        return fast if agree(fast, exact) else exact
    except (AttributeError, RuntimeError):  # torch has no such operator, or none for this processor
        return exact


def agree(fast: BundledEncoder, exact: BundledEncoder) -> bool:
    """Whether the vectors of a few known sentences lie within AGREEMENT of each other."""
    cosines = (fast.encode(PROBES) * exact.encode(PROBES)).sum(axis=1)
    return bool((cosines >= AGREEMENT).all())


class BundledEncoder:
    """Turns texts into unit vectors. Read-only once made, so threads may share it without a lock."""

    def __init__(self, model: PackedModel, *, precision: Precision) -> None:
        self.precision = precision
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._packed = model
        self._pieces = Pieces(model.vocabulary, most=model.places)
        unpacked = model.weights()
        weights = {name: torch.from_numpy(values) for name, values in unpacked.items()}
        prefix = "embeddings."
        self._places = (
            weights[f"{prefix}position_embeddings.weight"]
            + weights[f"{prefix}token_type_embeddings.weight"][0]
        )
        self._norm = _norm(weights, f"{prefix}LayerNorm")
        self._layers = [self._layer(weights, own) for own in layers_of(unpacked)]

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> Vectors:
        """One unit row (float32) a text, in the order given: shape (len, width).

        `threads` passes are computed at once, each by one thread: threads inside a pass would wait
        for each other at every step.
        """
        tokens = self._pieces.many(texts)
        rows = np.empty((len(texts), self._packed.width), dtype=np.float32)

        def fill(chosen: list[int]) -> None:
            rows[chosen] = self._forward([tokens[i] for i in chosen])

        passes = list(passes_of([len(ids) for ids in tokens]))
        if threads > 1 and len(passes) > 1:
            with ThreadPoolExecutor(min(threads, len(passes))) as pool:
                _exhaust(pool.map(fill, passes))
        else:
            _exhaust(map(fill, passes))
        return rows

    def _forward(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        """Unit rows of texts that all have the same number of tokens."""
        torch.set_num_threads(1)
        with torch.inference_mode():
            words = torch.from_numpy(np.stack([self._packed.words(ids) for ids in tokens]))
            length = words.shape[1]
            words = F.pad(words, (0, 0, 0, -length % _STEP))
            x = self._norm(words + self._places[: words.shape[1]])
            for layer in self._layers:
                x = self._apply(layer, x, length)
            rows: NDArray[np.float32] = F.normalize(x[:, :length].mean(dim=1), dim=1).numpy()
            return rows

    def _apply(self, layer: _Layer, x: Tensor, length: int) -> Tensor:
        """One layer: (texts, tokens, width) to the same, float32. Nothing from `length` on is looked at."""
        texts, tokens, width = x.shape
        heads = layer.queries_keys_values(x.to(self._dtype)).view(texts, tokens, 3, HEADS, -1)
        parts = heads.permute(2, 0, 3, 1, 4).reshape(3, texts * HEADS, tokens, -1)
        # Plain products: for heads this narrow torch's fused attention is slower.
        scores = torch.bmm(parts[0], parts[1].transpose(1, 2))
        scores[:, :, length:] = -math.inf
        seen = torch.bmm(scores.softmax(dim=-1), parts[2]).view(texts, HEADS, tokens, -1).transpose(1, 2)
        x = layer.mix_norm(x + layer.mix(seen.reshape(texts, tokens, width)))
        return layer.narrow_norm(x + layer.narrow(layer.widen(x.to(self._dtype))))

    def _layer(self, weights: dict[str, Tensor], prefix: str) -> _Layer:
        own = f"{prefix}attention.self."
        scale = 1 / math.sqrt(weights[f"{own}query.bias"].shape[0] // HEADS)
        joined = [
            torch.cat(
                [
                    weights[f"{own}query.{kind}"] * scale,
                    weights[f"{own}key.{kind}"],
                    weights[f"{own}value.{kind}"],
                ]
            )
            for kind in ("weight", "bias")
        ]
        return _Layer(
            self._linear(joined[0], joined[1]),
            self._named(weights, f"{prefix}attention.output.dense"),
            _norm(weights, f"{prefix}attention.output.LayerNorm"),
            self._named(weights, f"{prefix}intermediate.dense", gelu=True),
            self._named(weights, f"{prefix}output.dense"),
            _norm(weights, f"{prefix}output.LayerNorm"),
        )

    def _named(self, weights: dict[str, Tensor], name: str, *, gelu: bool = False) -> _Linear:
        return self._linear(weights[f"{name}.weight"], weights[f"{name}.bias"], gelu=gelu)

    def _linear(self, weight: Tensor, bias: Tensor, *, gelu: bool = False) -> _Linear:
        if self.precision == "bfloat16":
            return _Packed(weight, bias, gelu=gelu)
        return _Exact(weight, bias, gelu)


def passes_of(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Which texts are computed together: same length, at most TOKENS_A_PASS tokens unless it is one text.

    Longest first, so that threads end at about the same time.
    """
    alike: dict[int, list[int]] = defaultdict(list)
    for i, length in enumerate(lengths):
        alike[length].append(i)
    for length in sorted(alike, reverse=True):
        size = max(1, TOKENS_A_PASS // length)
        for start in range(0, len(alike[length]), size):
            yield alike[length][start : start + size]


def _norm(weights: dict[str, Tensor], name: str) -> _Norm:
    return _Norm(weights[f"{name}.weight"], weights[f"{name}.bias"])


def _exhaust(results: Iterable[None]) -> None:
    for _ in results:
        pass
