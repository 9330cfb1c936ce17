"""A BERT encoder as its paper has it, in float32 by numpy: what the faster passes are held to.

Slow, and without anything compiled: it runs once when the model is loaded, on a few sentences, and shows what
the inputs of each linear map look like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

HEADS = 12
EPSILON = 1e-12
AGREEMENT = 0.99  # the least cosine of a faster pass with this one
PROBES = (
    "New employees receive fifteen days of annual leave; unused days expire at the end of March.",
    "연차 휴가는 입사 1년 뒤부터 15일이 부여되며, 사용하지 않은 휴가는 3월 말에 소멸됩니다.",
)

# Abramowitz and Stegun, 7.1.26: erf to 1.5e-7
_P = 0.3275911
_A = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def vector_of(weights: Weights, words: Floats, inputs: dict[str, list[Floats]] | None = None) -> Floats:
    """The unit vector (width,) of a text whose pieces have the vectors `words` (tokens, width).

    `weights` has the names of `transformers`. `inputs` collects what each linear map was given (tokens, in).
    """

    def linear(x: Floats, name: str) -> Floats:
        if inputs is not None:
            inputs.setdefault(name, []).append(x)
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
        normed: Floats = centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return normed

    count, width = words.shape
    x = words + weights["embeddings.position_embeddings.weight"][:count]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for own in layers_of(weights):
        queries, keys, values = (
            linear(x, f"{own}attention.self.{kind}").reshape(count, HEADS, -1).swapaxes(0, 1)
            for kind in ("query", "key", "value")
        )
        scores = queries @ keys.swapaxes(1, 2) / math.sqrt(width // HEADS)
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        seen = (shares / shares.sum(axis=2, keepdims=True)) @ values
        mixed = linear(seen.swapaxes(0, 1).reshape(count, width), f"{own}attention.output.dense")
        x = norm(x + mixed, f"{own}attention.output.LayerNorm")
        wide = _gelu(linear(x, f"{own}intermediate.dense"))
        x = norm(x + linear(wide, f"{own}output.dense"), f"{own}output.LayerNorm")
    mean = x.mean(axis=0)
    vector: Floats = (mean / np.linalg.norm(mean)).astype(np.float32)
    return vector


def layers_of(weights: Weights) -> list[str]:
    """What the names of each layer's weights begin with, the lowest layer first."""
    count = sum(name.endswith(".intermediate.dense.bias") for name in weights)
    return [f"encoder.layer.{layer}." for layer in range(count)]


def _gelu(x: Floats) -> Floats:
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + _P * z)
    rest = np.zeros_like(x)
    for a in reversed(_A):
        rest = t * (a + rest)
    below = rest * np.exp(-z * z) / 2
    y: Floats = x * np.where(x > 0, 1 - below, below)
    return y
