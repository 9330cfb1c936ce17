"""How much each feature counts: small networks that were learnt, in `answer_weights.npz`.

Written by `python -m tests.bench.answer_learning` from public question sets (English: squad2-dev,
tydiqa-en-train, covidqa; Korean: tydiqa-ko-train, kobest-boolq, and for its ranking the English ones too);
numbers only, no word of them. For a language there are two: `ranking` gives the log-odds of a sentence among
those of its question, `doubt` those of a question having an answer. One in fifty of the answerable ones has a
chance below `threshold`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.providers.answer_doubt import DOUBT_FEATURES
from assistant.providers.sentence_features import FEATURES

FILE = Path(__file__).with_suffix(".npz")
KINDS = ("en", "en+dense", "ko", "ko+dense")  # "dense": with cosines among the features
_FURTHEST = 5.0  # deviations from the mean beyond which a feature says no more

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """One hidden layer. `scale` is one over the deviation of a feature, 0 where it never varied.

    Shapes: mean and scale (features,), hidden (features, units), bias and out (units,).
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    bias: Floats
    out: Floats
    out_bias: float

    def __call__(self, rows: Floats) -> Floats:
        """One number a row: (rows, features) to (rows,)."""
        inputs = np.clip((rows - self.mean) * self.scale, -_FURTHEST, _FURTHEST)
        units = inputs @ self.hidden + self.bias
        return np.asarray(units / (1.0 + np.exp(-np.clip(units, -60.0, 60.0))) @ self.out + self.out_bias)


@dataclass(frozen=True, slots=True)
class Weights:
    """`ranking` takes rows of FEATURES, `doubt` rows of DOUBT_FEATURES."""

    ranking: Network
    doubt: Network
    threshold: float


def weights_for(language: str, *, dense: bool, known: Mapping[str, Weights] | None = None) -> Weights:
    """Those for questions in `language` ("ko" or "en"), with or without cosines among the features.

    A language other than Korean takes those of English.
    `known`: other weights than the ones that come with the product.
    """
    every = known if known is not None else shipped()
    return every[("ko" if language == "ko" else "en") + ("+dense" if dense else "")]


@lru_cache(maxsize=1)
def shipped() -> dict[str, Weights]:
    """The weights that come with the product."""
    return read(FILE)


def read(path: Path) -> dict[str, Weights]:
    """The weights of a file that `write` has written.

    Raises:
        ValueError: it was learnt for other features than this code counts.
    """
    with np.load(path, allow_pickle=False) as held:
        if tuple(held["features"]) != FEATURES or tuple(held["doubt_features"]) != DOUBT_FEATURES:
            raise ValueError(
                f"{path.name} was learnt for other features: learn it anew with"
                " `python -m tests.bench.answer_learning`."
            )
        return {
            kind: Weights(
                _network(held, f"{kind}/ranking"),
                _network(held, f"{kind}/doubt"),
                float(held[f"{kind}/threshold"]),
            )
            for kind in KINDS
        }


def _network(held: Mapping[str, NDArray[np.generic]], name: str) -> Network:
    mean, scale, hidden, bias, out = (
        held[f"{name}/{part}"].astype(np.float64) for part in ("mean", "scale", "hidden", "bias", "out")
    )
    return Network(mean, scale, hidden, bias, out, float(held[f"{name}/out_bias"].astype(np.float64)))


def write(path: Path, weights: Mapping[str, Weights]) -> None:
    """The file that `read` reads; single precision is more than the features deserve."""
    arrays: dict[str, NDArray[np.generic]] = {
        "features": np.array(FEATURES),
        "doubt_features": np.array(DOUBT_FEATURES),
    }
    for kind, one in weights.items():
        arrays[f"{kind}/threshold"] = np.array(one.threshold)
        for name, network in (("ranking", one.ranking), ("doubt", one.doubt)):
            for part in ("mean", "scale", "hidden", "bias", "out", "out_bias"):
                arrays[f"{kind}/{name}/{part}"] = np.asarray(getattr(network, part), dtype=np.float32)
    np.savez_compressed(path, allow_pickle=False, **arrays)
