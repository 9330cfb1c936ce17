"""Vectors as one byte a component, with a bound on what the rounding may change.

Row i of a table is scales[i] * codes[i] up to a rest whose length is at most errors[i]:
by Cauchy and Schwarz no product with a question of length at most 1 moves by more. A
scan of the codes therefore proves which rows can be among the best, and only those are
scored again in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEVELS = 127
_INT16 = 32_767
_INT32 = 2**31 - 1
_UP = np.float32(1 + 1e-6)  # outweighs the rounding of the bound itself
MAX_NORM = 1.001  # of any vector that is indexed or asked for, see `build.checked` and `LocalIndex.search`


@dataclass(frozen=True, slots=True)
class Codes:
    """n rows of d components."""

    codes: NDArray[np.int8]  # (n, d)
    scales: NDArray[np.float32]  # (n,)
    errors: NDArray[np.float32]  # (n,)


@dataclass(frozen=True, slots=True)
class CodedQuery:
    """A question as whole numbers: unit * components, and `slack`, by which any product may be wrong."""

    components: NDArray[np.int16]  # (d,)
    unit: float
    slack: float


def coded(vectors: NDArray[np.float32]) -> Codes:
    """The codes of vectors of shape (n, d)."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    scales = np.where(largest > 0, largest / _LEVELS, 1.0).astype(np.float32)
    codes = np.rint(vectors / scales[:, None]).astype(np.int8)
    rest = vectors - codes * scales[:, None].astype(np.float64)
    errors = np.sqrt(np.square(rest).sum(axis=1)) * MAX_NORM
    return Codes(codes, scales, errors.astype(np.float32) * _UP)


def coded_query(query: NDArray[np.float32]) -> CodedQuery:
    """A question of shape (d,), in steps so fine that sums of products still fit into 32 bits."""
    steps = min(_INT16, _INT32 // (_LEVELS * max(len(query), 1)))
    largest = float(np.abs(query).max(initial=0.0))
    unit = largest / steps if largest > 0 else 1.0
    components = np.rint(query.astype(np.float64) / unit).astype(np.int16)
    rest = float(np.linalg.norm(query.astype(np.float64) - components * unit))
    # The row's own length is at most MAX_NORM and its error; products are rounded once, to 32-bit floats.
    return CodedQuery(components, unit, 2 * MAX_NORM * rest + 4 * 2.0**-24)
