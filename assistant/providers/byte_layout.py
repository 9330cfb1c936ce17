"""How the weights of the byte encoder lie in memory, and what a call of it writes on.

Numba watches only the file that holds a compiled function: whoever changes this one touches `byte_kernels`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Words = NDArray[np.int32]  # four bytes each, side by side along what is summed over
Places = NDArray[np.int64]

HEADS = 12
PANEL = 32  # outputs computed at once: two vector registers of sixteen
ROWS = 12  # tokens at once: with PANEL, 24 of the 32 vector registers hold sums
APART = 4  # components of an input that are multiplied exactly
BLOCK = 64  # tokens at a time in the wide maps, so that what is between them stays in the second-level cache


class Linear(NamedTuple):
    """One kind of linear map of all layers.

    The product of codes c and weights w is scale * (c @ w) * step + low * sum + bias + kept @ exact. What
    belongs to an output lies together by panels: its scale, the sum of its scaled weights, its bias with the
    usual input's product, and its exact weights.
    """

    weights: Words  # (layers, out / PANEL, in / 4 * PANEL)
    outputs: Floats  # (layers, out / PANEL, 3 + APART, PANEL)
    usual: Floats  # (layers, in): what is taken off an input
    apart: Places  # (layers, APART): the components that are multiplied exactly


class Norm(NamedTuple):
    """Scale and shift: (layers, width) each."""

    weights: Floats
    biases: Floats


class Model(NamedTuple):
    """All weights but the words'. places (tokens, width)."""

    places: Floats
    first_norm: Norm  # of one layer
    queries_keys_values: Linear
    mix: Linear
    mix_norm: Norm
    widen: Linear
    narrow: Linear
    narrow_norm: Norm


class Scratch(NamedTuple):
    """What one call writes on. Rows are tokens; a call reads what it wrote, and the words in `states`."""

    states: Floats  # (tokens, width): at first the vectors of the text's pieces
    heads: Floats  # (tokens, 3 * width): queries, keys, values
    seen: Floats  # (tokens, width)
    wide: Floats  # (BLOCK, 4 * width)
    codes: Bytes  # (tokens, 4 * width)
    steps: Floats  # (tokens,): what one unit of a code is
    lows: Floats  # (tokens,): what code 0 is
    kept: Floats  # (tokens, APART)
    row: Floats  # (4 * width,)
    sums: Words  # (ROWS * PANEL,)
    scores: Floats  # (tokens, tokens and some), one head's
    keys: Floats  # (width / HEADS, tokens and some), one head's
    values: Floats  # (tokens, width / HEADS), one head's
