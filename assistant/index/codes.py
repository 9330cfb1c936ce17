"""Vectors in half bytes and bytes, with bounds on what the rounding may change.

A component is a number from 1 to 255, 128 for zero, times its row's scale. `coarse` holds the upper
four bits of each, `fine` the lower four: a scan of the coarse half alone already tells which
few rows are worth the other half. By Cauchy and Schwarz no product with a question of
length at most 1 is wrong by more than the length of the rest that a coding leaves out of a row. A scan
therefore proves which rows can be among the best, and only those are scored again in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LEVELS = 127
_ZERO = 128  # the byte that stands for 0
_MIDDLE = 7.5  # of the lower four bits, while they are unknown
_INT16 = 32_767
_INT32 = 2**31 - 1
_MOST = 15  # of four bits
_SMALLEST = 1e-20  # so that a row of zeros has a scale too
_UP = np.float32(1 + 1e-6)  # outweighs the rounding of the bound itself
MAX_NORM = 1.001  # of any vector that is indexed or asked for, see `build.checked` and `LocalIndex.search`


@dataclass(frozen=True, slots=True)
class Codes:
    """n rows of d components. Byte j of h = ceil(d / 2) holds component j, and above it component h + j."""

    coarse: NDArray[np.uint8]  # (n, h)
    fine: NDArray[np.uint8]  # (n, h)
    scales: NDArray[np.float32]  # (n,)
    coarse_errors: NDArray[np.float32]  # (n,)
    fine_errors: NDArray[np.float32]  # (n,) with both halves


class CodedQuery(NamedTuple):
    """A question as whole numbers: unit * components, and `slack`, by which any product may be wrong.

    A tuple, which compiled loops take as it is.
    """

    low: NDArray[np.int16]  # (h,) the components that lie in the lower half of a byte
    high: NDArray[np.int16]  # (h,)
    total: int  # of all components
    unit: float
    slack: float


def coded(vectors: NDArray[np.float32]) -> Codes:
    """The codes of vectors of shape (n, d)."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    scales = (np.maximum(largest, _SMALLEST) / _LEVELS).astype(np.float32)
    numbers = (np.rint(vectors / scales[:, None]) + _ZERO).astype(np.uint8)
    upper, lower = numbers >> 4, numbers & _MOST
    wide = scales[:, None].astype(np.float64)
    return Codes(
        coarse=_halves(upper),
        fine=_halves(lower),
        scales=scales,
        coarse_errors=_lengths(vectors - (upper * 16.0 + (_MIDDLE - _ZERO)) * wide),
        fine_errors=_lengths(vectors - (numbers - float(_ZERO)) * wide),
    )


def coded_query(query: NDArray[np.float32]) -> CodedQuery:
    """A question of shape (d,), in steps so fine that sums of products still fit into 32 bits."""
    steps = min(_INT16, _INT32 // (_MOST * max(len(query), 1)))
    largest = float(np.abs(query).max(initial=0.0))
    unit = largest / steps if largest > 0 else 1.0
    components = np.rint(query.astype(np.float64) / unit).astype(np.int16)
    rest = float(np.linalg.norm(query.astype(np.float64) - components * unit))
    half = (len(query) + 1) // 2
    padded = np.zeros(2 * half, np.int16)
    padded[: len(query)] = components
    # The row's own length is at most MAX_NORM and its error; products are rounded once, to 32-bit floats.
    slack = 2 * MAX_NORM * rest + 4 * 2.0**-24
    return CodedQuery(
        padded[:half].copy(), padded[half:].copy(), int(components.sum(dtype=np.int64)), unit, slack
    )


def _halves(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Numbers below 16, shape (n, d), two to a byte; shape (n, ceil(d / 2))."""
    half = (numbers.shape[1] + 1) // 2
    packed = numbers[:, :half].copy()
    packed[:, : numbers.shape[1] - half] |= numbers[:, half:] << 4
    return packed


def _lengths(rests: NDArray[np.float64]) -> NDArray[np.float32]:
    """What a row's rest adds to a product at most."""
    errors: NDArray[np.float32] = (np.sqrt(np.square(rests).sum(axis=1)) * MAX_NORM).astype(np.float32)
    return errors * _UP
